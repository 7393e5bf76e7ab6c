// HDF5 files for reading, without the types of libhdf5: no other file sees hid_t.
//
// Every call holds one lock, since libhdf5 as distributions build it is not safe for threads. Links
// to other files are followed only where that is asked for.
#ifndef KYMO_HDF5_H
#define KYMO_HDF5_H

#include <stddef.h>
#include <stdint.h>

#define KH_MOST_AXES 32
#define KH_NAME 64

typedef struct kh_file kh_file;

typedef enum { KH_FLOAT, KH_INT, KH_UINT, KH_BOOL, KH_TEXT, KH_COMPLEX, KH_OTHER } kh_kind;

// What a data set is.
typedef struct {
  kh_kind kind;
  // Bytes of an entry; of a text that is stored apart, 0.
  int64_t width;
  int32_t big_endian;
  int32_t rank;
  int64_t shape[KH_MOST_AXES];
  // First byte in the file where entries lie as they are, else -1.
  int64_t offset;
  // Whether entries lie in other files: external storage or a virtual data set.
  int32_t is_elsewhere;
  // Entries along every axis of a chunk; 0 where the data set is not in chunks.
  int64_t chunk[KH_MOST_AXES];
  // Whether the chunks' numbers are as the processor has them, but for their order, packed by shuffle, then
  // gzip, or one of them alone: what kh_chunk gives can then be unpacked apart from libhdf5.
  int32_t is_simply_packed, is_shuffled, is_gzipped;
  // The name of the first filter that this library lacks; empty when it has all.
  char missing_filter[KH_NAME];
} kh_description;

// An attribute: numbers, or texts ended by a zero byte one after the other.
typedef struct {
  const char *name;
  kh_kind kind;
  int64_t count;
  const double *numbers;
  const char *const *texts;
} kh_attribute;

// Reads a file in a process of its own first, since libhdf5 may crash or loop on a damaged one: its
// directory, attributes and descriptions, and the numbers of files up to `whole` bytes. 0 when that
// went well; 1 when the process died; 2 when it took more than `seconds` of a processor; 3, with the reason, when
// libhdf5 cannot read it.
int kh_probe(const char *path, int follows, int64_t bytes, int64_t whole, unsigned seconds, char *reason,
             size_t capacity);

// Opens a file, which may follow links to other files or not; NULL where it cannot be, with libhdf5's
// reason.
kh_file *kh_open(const char *path, int follows, char *reason, size_t capacity);
void kh_close(kh_file *file);

// What a path leads to: a data set, a group, or another file that is not followed or not there.
typedef enum { KH_SET, KH_GROUP, KH_LINK } kh_object;

// Calls `each` for every object, with its path from the root; objects of this file with several names
// once. Ends when `each` gives a value other than 0.
int kh_list(kh_file *file, int (*each)(void *context, const char *path, kh_object kind), void *context);

// Describes a data set; 0, or with a reason -1 where libhdf5 fails, -2 where it is none for us.
int kh_describe(kh_file *file, const char *path, kh_description *out, char *reason, size_t capacity);

// Reads a part of a data set of numbers in C order into float (is_double 0) or double.
int kh_read(kh_file *file, const char *path, int rank, const int64_t *start, const int64_t *count,
            int is_double, void *out, char *reason, size_t capacity);

// The bytes of the chunk that begins at an entry, packed as they are in the file; their number, or 0
// where there are none, more than fit, or where filters were left out, so that kh_read has to read it.
int64_t kh_chunk(kh_file *file, const char *path, int rank, const int64_t *start, size_t capacity,
                 void *out);

// Calls `each` for every text of a data set.
int kh_texts(kh_file *file, const char *path, void (*each)(void *context, const char *text, size_t length),
             void *context, char *reason, size_t capacity);

// Calls `each` for every attribute of an object; attributes of other types or above 64 kB are left
// out.
int kh_attributes(kh_file *file, const char *path,
                  void (*each)(void *context, const kh_attribute *attribute), void *context);

// Calls `each` for every dimension scale that is attached to an axis of a data set (netCDF-4, h5py).
int kh_scales(kh_file *file, const char *path, void (*each)(void *context, int axis, const char *scale),
              void *context);

// A new file. What cannot be written is kept as the first reason, which kh_finish gives.
typedef struct kh_writer kh_writer;

// Makes a file at a path, which may be one of /proc/self/fd; NULL where it cannot, with the reason.
kh_writer *kh_create(const char *path, char *reason, size_t capacity);
void kh_write_group(kh_writer *writer, const char *path);
// A data set of float (width 4) or double (8), or of bytes that are truth values (1); groups on its way
// are made. Without values it is room in one piece for numbers that others write; gives its first
// byte, or -1.
int64_t kh_write_numbers(kh_writer *writer, const char *path, int width, int rank,
                         const int64_t *shape, const double *values);
// Texts along one axis, or one text alone (count -1).
void kh_write_texts(kh_writer *writer, const char *path, int64_t count, const char *const *texts);
// An attribute along one axis, or one value alone (count -1): texts where there are any, else numbers
// as double, whole numbers or truth values, by kind.
void kh_write_attribute(kh_writer *writer, const char *path, const kh_attribute *attribute);
// Closes the file; 0, or -1 with the first reason.
int kh_finish(kh_writer *writer, char *reason, size_t capacity);

// The version of the library, such as "1.10.8".
void kh_version(char *text, size_t capacity);

#endif
