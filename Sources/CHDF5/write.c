// Writing of HDF5 files through libhdf5's C API: small data sets, attributes, and room in one piece for
// large ones, whose numbers others write at their place.
#include "CHDF5.h"
#include "internal.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kh_writer {
  hid_t file;
  int has_failed;
  char reason[256];
};

static void check(kh_writer *writer, int is_good, const char *what) {
  if (is_good || writer->has_failed) return;
  writer->has_failed = 1;
  kh_explain(writer->reason, sizeof writer->reason, what);
}

kh_writer *kh_create(const char *path, char *reason, size_t capacity) {
  kh_enter();
  kh_writer *writer = calloc(1, sizeof *writer);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  // Numbers begin where vectors do.
  H5Pset_alignment(access, 1024, 64);
  hid_t file = writer ? H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access) : -1;
  H5Pclose(access);
  if (file < 0) {
    kh_explain(reason, capacity, "it cannot be made");
    free(writer);
    writer = NULL;
  } else {
    writer->file = file;
  }
  kh_leave(0);
  return writer;
}

// The truth values of h5py.
static hid_t truth_type(void) {
  hid_t type = H5Tenum_create(H5T_STD_I8LE);
  signed char no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

static hid_t text_type(void) {
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

static hid_t line(int64_t count) {
  hsize_t length = (hsize_t)count;
  return count < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &length, NULL);
}

static hid_t made(kh_writer *writer, const char *path, hid_t type, hid_t space, hid_t list) {
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t set = H5Dcreate2(writer->file, path, type, space, links, list, H5P_DEFAULT);
  H5Pclose(links);
  check(writer, set >= 0, path);
  return set;
}

void kh_write_group(kh_writer *writer, const char *path) {
  kh_enter();
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t group = H5Gcreate2(writer->file, path, links, H5P_DEFAULT, H5P_DEFAULT);
  check(writer, group >= 0, path);
  if (group >= 0) H5Gclose(group);
  H5Pclose(links);
  kh_leave(0);
}

int64_t kh_write_numbers(kh_writer *writer, const char *path, int width, int rank,
                         const int64_t *shape, const double *values) {
  kh_enter();
  hsize_t lengths[KH_MOST_AXES], count = 1;
  for (int axis = 0; axis < rank && axis < KH_MOST_AXES; axis++)
    count *= lengths[axis] = (hsize_t)shape[axis];
  hid_t type = width == 1 ? truth_type() : H5Tcopy(width == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE);
  hid_t space = rank ? H5Screate_simple(rank, lengths, NULL) : H5Screate(H5S_SCALAR);
  hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  if (!values) {
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
  }
  int64_t first = -1;
  hid_t set = made(writer, path, type, space, list);
  if (set >= 0 && values && width == 1) {
    signed char *truths = malloc(count + 1);
    for (hsize_t i = 0; truths && i < count; i++) truths[i] = values[i] != 0;
    check(writer, truths && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, truths) >= 0, path);
    free(truths);
  } else if (set >= 0 && values) {
    check(writer, H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, path);
  } else if (set >= 0) {
    haddr_t address = H5Dget_offset(set);
    check(writer, address != HADDR_UNDEF || count == 0, path);
    first = address == HADDR_UNDEF ? -1 : (int64_t)address;
  }
  if (set >= 0) H5Dclose(set);
  H5Pclose(list);
  H5Sclose(space);
  H5Tclose(type);
  kh_leave(0);
  return first;
}

void kh_write_texts(kh_writer *writer, const char *path, int64_t count, const char *const *texts) {
  kh_enter();
  hid_t type = text_type(), space = line(count);
  hid_t set = made(writer, path, type, space, H5P_DEFAULT);
  if (set >= 0 && count != 0)
    check(writer, H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0, path);
  if (set >= 0) H5Dclose(set);
  H5Sclose(space);
  H5Tclose(type);
  kh_leave(0);
}

void kh_write_attribute(kh_writer *writer, const char *path, const kh_attribute *attribute) {
  kh_enter();
  int is_text = attribute->kind == KH_TEXT, is_truth = attribute->kind == KH_BOOL;
  hid_t type = is_text ? text_type()
               : is_truth
                 ? truth_type()
                 : H5Tcopy(attribute->kind == KH_INT ? H5T_STD_I64LE : H5T_IEEE_F64LE);
  hid_t space = line(attribute->count), object = H5Oopen(writer->file, path, H5P_DEFAULT);
  hid_t made = object < 0 ? -1 : H5Acreate2(object, attribute->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  check(writer, made >= 0, attribute->name);
  size_t count = attribute->count < 0 ? 1 : (size_t)attribute->count;
  if (made >= 0 && count) {
    int status = -1;
    if (is_text) {
      status = H5Awrite(made, type, attribute->texts);
    } else if (is_truth) {
      signed char *truths = malloc(count);
      for (size_t i = 0; truths && i < count; i++) truths[i] = attribute->numbers[i] != 0;
      status = truths ? H5Awrite(made, type, truths) : -1;
      free(truths);
    } else {
      status = H5Awrite(made, H5T_NATIVE_DOUBLE, attribute->numbers);
    }
    check(writer, status >= 0, attribute->name);
  }
  if (made >= 0) H5Aclose(made);
  if (object >= 0) H5Oclose(object);
  H5Sclose(space);
  H5Tclose(type);
  kh_leave(0);
}

int kh_finish(kh_writer *writer, char *reason, size_t capacity) {
  kh_enter();
  check(writer, H5Fclose(writer->file) >= 0, "it cannot be closed");
  int status = writer->has_failed ? -1 : 0;
  snprintf(reason, capacity, "%s", writer->reason);
  free(writer);
  return kh_leave(status);
}
