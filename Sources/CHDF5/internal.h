// What reading and writing share: open files, the lock, and libhdf5's words.
#ifndef KYMO_HDF5_INTERNAL_H
#define KYMO_HDF5_INTERNAL_H

#include "CHDF5.h"

#include <hdf5.h>
#include <stddef.h>

#define LONGEST_PATH 4096

// Data sets stay open, so that their chunks stay unpacked between reads.
typedef struct open_set {
  char *path;
  hid_t set;
  struct open_set *next;
} open_set;

struct kh_file {
  hid_t file;
  int follows;
  open_set *sets;
};

// Takes the lock of all calls of libhdf5 and gives it back with a status.
void kh_enter(void);
int kh_leave(int status);
// The innermost reason of the last error.
void kh_explain(char *reason, size_t capacity, const char *otherwise);
// Access that goes through few links.
hid_t kh_limited(hid_t class);
// A data set by its path, which kh_list has given.
hid_t kh_opened(kh_file *file, const char *path);
// The filter of h5py.
extern const H5Z_class2_t kh_lzf;

#endif
