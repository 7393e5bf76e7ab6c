// What reading and writing share: the lock, and libhdf5's words.
#ifndef KYMO_HDF5_INTERNAL_H
#define KYMO_HDF5_INTERNAL_H

#include <stddef.h>

// Takes the lock of all calls of libhdf5 and gives it back with a status.
void kh_enter(void);
int kh_leave(int status);
// The innermost reason of the last error.
void kh_explain(char *reason, size_t capacity, const char *otherwise);

#endif
