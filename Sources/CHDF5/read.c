// Reading of data sets and attributes: what they are, and their numbers and texts.
#include "CHDF5.h"
#include "internal.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Whether the bits of a number lie within it, as libhdf5's conversions take for granted.
static int is_sane(hid_t type) {
  size_t bits = 8 * H5Tget_size(type), precision = H5Tget_precision(type);
  int offset = H5Tget_offset(type);
  if (bits < 8 || bits > 128 || precision < 1 || precision > bits || offset < 0) return 0;
  if ((size_t)offset > bits - precision) return 0;
  if (H5Tget_class(type) != H5T_FLOAT) return 1;
  size_t sign, exponent, exponent_bits, mantissa, mantissa_bits;
  if (H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0) return 0;
  return sign < precision && exponent_bits >= 1 && exponent_bits <= 32 && mantissa_bits >= 1 &&
         exponent <= precision - 1 && exponent_bits <= precision - exponent &&
         mantissa <= precision - 1 && mantissa_bits <= precision - mantissa;
}

static kh_kind kind_of(hid_t type, int64_t *width, int32_t *big_endian) {
  *width = (int64_t)H5Tget_size(type);
  *big_endian = 0;
  switch (H5Tget_class(type)) {
  case H5T_FLOAT:
  case H5T_INTEGER:
    if (!is_sane(type)) return KH_OTHER;
    *big_endian = H5Tget_order(type) == H5T_ORDER_BE;
    if (H5Tget_class(type) == H5T_FLOAT) return KH_FLOAT;
    return H5Tget_sign(type) == H5T_SGN_NONE ? KH_UINT : KH_INT;
  case H5T_STRING:
    if (H5Tis_variable_str(type) > 0) *width = 0;
    return KH_TEXT;
  case H5T_ENUM: {
    // h5py's truth values.
    char *first = H5Tget_nmembers(type) == 2 ? H5Tget_member_name(type, 0) : NULL;
    hid_t base = H5Tget_super(type);
    int is_bool = first && !strcmp(first, "FALSE") && *width == 1 && base >= 0 && is_sane(base);
    if (base >= 0) H5Tclose(base);
    H5free_memory(first);
    return is_bool ? KH_BOOL : KH_OTHER;
  }
  case H5T_COMPOUND: return H5Tget_nmembers(type) == 2 ? KH_COMPLEX : KH_OTHER;
  default: return KH_OTHER;
  }
}

// Whether numbers of this class and width lie as the processor has them, but for their order.
static int is_plain(hid_t type, kh_kind kind) {
  if (kind == KH_BOOL) return 1;
  size_t width = H5Tget_size(type);
  if (width != 1 && width != 2 && width != 4 && width != 8) return 0;
  if (H5Tget_precision(type) != 8 * width || H5Tget_offset(type) != 0) return 0;
  if (kind != KH_FLOAT) return 1;
  hid_t like = width == 4 ? H5T_IEEE_F32LE : width == 8 ? H5T_IEEE_F64LE : -1;
  hid_t big = width == 4 ? H5T_IEEE_F32BE : width == 8 ? H5T_IEEE_F64BE : -1;
  return like >= 0 && (H5Tequal(type, like) > 0 || H5Tequal(type, big) > 0);
}

// Whether the files that a virtual data set is put together from are there: libhdf5 takes fill values for
// those that are not.
static int has_sources(hid_t set, hid_t list, char *reason, size_t capacity) {
  size_t count = 0;
  if (H5Pget_layout(list) != H5D_VIRTUAL || H5Pget_virtual_count(list, &count) < 0) return 1;
  char folder[LONGEST_PATH], source[LONGEST_PATH], last[LONGEST_PATH] = "", path[2 * LONGEST_PATH];
  if (H5Fget_name(set, folder, sizeof folder) < 0) return 1;
  char *slash = strrchr(folder, '/');
  if (slash) slash[1] = 0; else folder[0] = 0;
  for (size_t i = 0; i < count; i++) {
    ssize_t length = H5Pget_virtual_filename(list, i, source, sizeof source);
    // A dot is the file itself; a percent sign stands for the number of a block.
    if (length <= 0 || !strcmp(source, ".") || strchr(source, '%') || !strcmp(source, last)) continue;
    strcpy(last, source);
    snprintf(path, sizeof path, "%s%s", source[0] == '/' ? "" : folder, source);
    if (!access(path, R_OK)) continue;
    snprintf(reason, capacity, "its numbers lie in %.150s, which is not there", source);
    return 0;
  }
  return 1;
}

// Whether an object lies in the file that was opened, and not in one that a link leads to.
static int is_inside(kh_file *file, hid_t object) {
  char own[LONGEST_PATH] = "", its[LONGEST_PATH] = "";
  return H5Fget_name(file->file, own, sizeof own) > 0 && H5Fget_name(object, its, sizeof its) > 0 &&
         !strcmp(own, its);
}

int kh_describe(kh_file *file, const char *path, kh_description *out, char *reason, size_t capacity) {
  kh_enter();
  memset(out, 0, sizeof *out);
  out->offset = -1;
  hid_t set = kh_opened(file, path), type = -1, space = -1, list = -1;
  int status = -1;
  if (set < 0 || (type = H5Dget_type(set)) < 0 || (space = H5Dget_space(set)) < 0 ||
      (list = H5Dget_create_plist(set)) < 0) {
    kh_explain(reason, capacity, "it cannot be opened");
    goto end;
  }
  out->kind = kind_of(type, &out->width, &out->big_endian);
  int rank = H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_ndims(space);
  hsize_t shape[H5S_MAX_RANK];
  if (rank < 0 || rank > KH_MOST_AXES || H5Sget_simple_extent_dims(space, shape, NULL) < 0) {
    snprintf(reason, capacity, "it is empty or has more than %d axes", KH_MOST_AXES);
    status = -2;
    goto end;
  }
  out->rank = rank;
  for (int i = 0; i < rank; i++) {
    if (shape[i] > INT64_MAX) goto end;
    out->shape[i] = (int64_t)shape[i];
  }
  H5D_layout_t layout = H5Pget_layout(list);
  out->is_elsewhere = layout == H5D_VIRTUAL || H5Pget_external_count(list) > 0;
  if (out->is_elsewhere && file->follows && !has_sources(set, list, reason, capacity)) {
    status = -2;
    goto end;
  }
  if (layout == H5D_CHUNKED) {
    hsize_t chunk[H5S_MAX_RANK];
    if (H5Pget_chunk(list, H5S_MAX_RANK, chunk) == rank)
      for (int i = 0; i < rank; i++) out->chunk[i] = (int64_t)chunk[i];
    int filters = H5Pget_nfilters(list);
    unsigned options = 0;
    out->is_simply_packed = filters > 0 && H5Pget_chunk_opts(list, &options) >= 0 && !options &&
                            out->kind <= KH_BOOL && is_plain(type, out->kind);
    for (int i = 0; i < filters; i++) {
      unsigned flags;
      size_t values = 0;
      char name[32] = "";
      H5Z_filter_t filter =
          H5Pget_filter2(list, (unsigned)i, &flags, &values, NULL, sizeof name, name, NULL);
      name[sizeof name - 1] = 0;
      if (filter == H5Z_FILTER_SHUFFLE && !out->is_shuffled && !out->is_gzipped) out->is_shuffled = 1;
      else if (filter == H5Z_FILTER_DEFLATE && !out->is_gzipped) out->is_gzipped = 1;
      else out->is_simply_packed = 0;
      if (filter >= 0 && H5Zfilter_avail(filter) <= 0 && !out->missing_filter[0])
        snprintf(out->missing_filter, KH_NAME, "%s (filter %d)", name[0] ? name : "unnamed", filter);
    }
    H5Eclear2(H5E_DEFAULT);
  }
  if (layout == H5D_CONTIGUOUS && !out->is_elsewhere && out->kind <= KH_BOOL &&
      is_plain(type, out->kind) && is_inside(file, set)) {
    haddr_t address = H5Dget_offset(set);
    hsize_t need = (hsize_t)out->width;
    for (int i = 0; i < rank; i++) need *= shape[i] ? shape[i] : 1;
    // Written early or never: space that is not there yet has no address.
    if (address != HADDR_UNDEF && H5Dget_storage_size(set) >= need) out->offset = (int64_t)address;
    H5Eclear2(H5E_DEFAULT);
  }
  status = 0;
end:
  if (list >= 0) H5Pclose(list);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return kh_leave(status);
}

int kh_read(kh_file *file, const char *path, int rank, const int64_t *start, const int64_t *count,
            int is_double, void *out, char *reason, size_t capacity) {
  kh_enter();
  hid_t set = kh_opened(file, path), space = -1, memory = -1;
  int status = -1;
  hsize_t from[KH_MOST_AXES], length[KH_MOST_AXES];
  for (int i = 0; i < rank; i++) from[i] = (hsize_t)start[i], length[i] = (hsize_t)count[i];
  if (set >= 0 && (space = H5Dget_space(set)) >= 0 && H5Sget_simple_extent_ndims(space) == rank &&
      (memory = rank ? H5Screate_simple(rank, length, NULL) : H5Screate(H5S_SCALAR)) >= 0 &&
      (rank == 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, length, NULL) >= 0) &&
      H5Dread(set, is_double ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, out) >= 0)
    status = 0;
  else
    kh_explain(reason, capacity, "it cannot be read");
  if (memory >= 0) H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  return kh_leave(status);
}

int64_t kh_chunk(kh_file *file, const char *path, int rank, const int64_t *start, size_t capacity,
                 void *out) {
  kh_enter();
  hid_t set = kh_opened(file, path);
  hsize_t from[KH_MOST_AXES], bytes = 0;
  for (int i = 0; i < rank; i++) from[i] = (hsize_t)start[i];
  uint32_t left_out = 0;
  if (set < 0 || H5Dget_chunk_storage_size(set, from, &bytes) < 0 || bytes > capacity || !bytes ||
      H5Dread_chunk(set, H5P_DEFAULT, from, &left_out, out) < 0 || left_out)
    bytes = 0;
  if (!bytes) H5Eclear2(H5E_DEFAULT);
  kh_leave(0);
  return (int64_t)bytes;
}

// The texts of a data set or attribute, read by `get`; the caller frees the array with free_texts.
typedef struct {
  char **texts;
  int64_t count;
  char *block;
  hid_t type, space;
} texts;

static void free_texts(texts *all) {
  if (all->texts && !all->block && all->space >= 0)
    H5Dvlen_reclaim(all->type, all->space, H5P_DEFAULT, all->texts);
  free(all->texts);
  free(all->block);
  if (all->type >= 0) H5Tclose(all->type);
  if (all->space >= 0) H5Sclose(all->space);
}

static int read_texts(hid_t object, int is_attribute, texts *all) {
  *all = (texts){NULL, 0, NULL, -1, -1};
  hid_t stored = is_attribute ? H5Aget_type(object) : H5Dget_type(object);
  all->space = is_attribute ? H5Aget_space(object) : H5Dget_space(object);
  hssize_t count = all->space < 0 ? -1 : H5Sget_simple_extent_npoints(all->space);
  int status = -1, is_variable = stored >= 0 && H5Tis_variable_str(stored) > 0;
  size_t width = stored >= 0 ? H5Tget_size(stored) : 0;
  if (stored < 0 || count < 0 || count > 100000 || width > 1 << 16) goto end;
  if ((size_t)count * width > 16 << 20) goto end;
  all->type = H5Tcopy(H5T_C_S1);
  H5Tset_cset(all->type, H5Tget_cset(stored));
  H5Tset_size(all->type, is_variable ? H5T_VARIABLE : width + 1);
  all->texts = calloc((size_t)count + 1, sizeof(char *));
  if (!all->texts) goto end;
  if (is_variable) {
    status = (is_attribute ? H5Aread(object, all->type, all->texts)
                           : H5Dread(object, all->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all->texts)) < 0 ? -1 : 0;
  } else {
    all->block = calloc((size_t)count + 1, width + 1);
    if (!all->block) goto end;
    status = (is_attribute ? H5Aread(object, all->type, all->block)
                           : H5Dread(object, all->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all->block)) < 0 ? -1 : 0;
    for (hssize_t i = 0; i < count; i++) all->texts[i] = all->block + (size_t)i * (width + 1);
  }
  if (status == 0) all->count = count;
end:
  if (stored >= 0) H5Tclose(stored);
  return status;
}

int kh_texts(kh_file *file, const char *path, void (*each)(void *, const char *, size_t), void *context,
             char *reason, size_t capacity) {
  kh_enter();
  hid_t set = kh_opened(file, path);
  texts all;
  int status = set < 0 ? -1 : read_texts(set, 0, &all);
  if (status < 0) kh_explain(reason, capacity, "it holds too many or too long texts");
  if (set >= 0) {
    for (int64_t i = 0; i < all.count; i++) {
      const char *text = all.texts[i] ? all.texts[i] : "";
      each(context, text, strlen(text));
    }
    free_texts(&all);
  }
  return kh_leave(status);
}

typedef struct {
  void (*each)(void *, const kh_attribute *);
  void *context;
} attribute_listing;

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data) {
  (void)info;
  attribute_listing *list = data;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return 0;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  int64_t width;
  int32_t big;
  kh_attribute result = {.name = name, .count = count};
  if (type >= 0 && count >= 0 && count <= 8192 && H5Aget_storage_size(attribute) <= 1 << 16) {
    result.kind = kind_of(type, &width, &big);
    if (result.kind == KH_TEXT) {
      texts all;
      if (read_texts(attribute, 1, &all) == 0) {
        for (int64_t i = 0; i < all.count; i++)
          if (!all.texts[i]) all.texts[i] = calloc(1, 1);
        result.texts = (const char *const *)all.texts;
        list->each(list->context, &result);
      }
      free_texts(&all);
    } else if (result.kind <= KH_BOOL) {
      double *numbers = calloc((size_t)count + 1, sizeof(double));
      if (numbers && (result.kind == KH_BOOL ? H5Aread(attribute, H5T_NATIVE_INT8, numbers)
                                             : H5Aread(attribute, H5T_NATIVE_DOUBLE, numbers)) >= 0) {
        // Truth values come as bytes, widened from the last one on.
        if (result.kind == KH_BOOL)
          for (hssize_t i = count; i-- > 0;) numbers[i] = ((signed char *)numbers)[i];
        result.numbers = numbers;
        list->each(list->context, &result);
      }
      free(numbers);
    }
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  H5Aclose(attribute);
  return 0;
}

int kh_attributes(kh_file *file, const char *path, void (*each)(void *, const kh_attribute *), void *context) {
  kh_enter();
  hid_t access = kh_limited(H5P_LINK_ACCESS), object = H5Oopen(file->file, path, access);
  attribute_listing list = {each, context};
  hsize_t at = 0;
  int status = object < 0 ? -1 : H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &at, visit_attribute, &list);
  if (object >= 0) H5Oclose(object);
  if (access >= 0) H5Pclose(access);
  H5Eclear2(H5E_DEFAULT);
  return kh_leave(status < 0 ? -1 : 0);
}

int kh_scales(kh_file *file, const char *path, void (*each)(void *, int, const char *), void *context) {
  kh_enter();
  hid_t set = kh_opened(file, path), list = set < 0 ? -1 : H5Aopen(set, "DIMENSION_LIST", H5P_DEFAULT);
  hid_t space = list < 0 ? -1 : H5Aget_space(list), type = list < 0 ? -1 : H5Aget_type(list);
  hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  hid_t base = type >= 0 && H5Tget_class(type) == H5T_VLEN ? H5Tget_super(type) : -1;
  hvl_t *axes = NULL;
  int status = -1;
  if (count > 0 && count <= KH_MOST_AXES && base >= 0 && H5Tequal(base, H5T_STD_REF_OBJ) > 0 &&
      (axes = calloc((size_t)count, sizeof *axes)) && H5Aread(list, type, axes) >= 0) {
    for (int axis = 0; axis < count; axis++) {
      if (axes[axis].len < 1) continue;
      hid_t scale = H5Rdereference2(set, H5P_DEFAULT, H5R_OBJECT, axes[axis].p);
      char name[1024] = "";
      if (scale >= 0 && H5Iget_name(scale, name, sizeof name) > 0) each(context, axis, name);
      if (scale >= 0) H5Oclose(scale);
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, axes);
    status = 0;
  }
  free(axes);
  if (base >= 0) H5Tclose(base);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (list >= 0) H5Aclose(list);
  H5Eclear2(H5E_DEFAULT);
  return kh_leave(status);
}
