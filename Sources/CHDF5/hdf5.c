// Reading of HDF5 files through libhdf5's C API (https://docs.hdfgroup.org).
#define _GNU_SOURCE
#include "CHDF5.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const size_t chunk_memory = 64 << 20;

// The filter LZF of h5py (32000), which Debian's plug-in lacks a symbol of. A control byte below 32
// begins so many and one more literal bytes; any other one a copy of earlier bytes: its upper three bits
// are the length less 2 (7: a further byte is added), its lower five and the next byte the distance
// less 1.
static size_t unpack_lzf(const uint8_t *in, size_t length, uint8_t *out, size_t room) {
  size_t at = 0, done = 0;
  while (at < length) {
    size_t control = in[at++];
    if (control < 32) {
      size_t count = control + 1;
      if (count > length - at || count > room - done) return 0;
      memcpy(out + done, in + at, count);
      at += count, done += count;
    } else {
      size_t count = control >> 5;
      if (count == 7) {
        if (at == length) return 0;
        count += in[at++];
      }
      if (at == length) return 0;
      size_t back = ((control & 31) << 8 | in[at++]) + 1;
      count += 2;
      if (back > done || count > room - done) return 0;
      // Bytes may be copies of those just written.
      for (; count; count--, done++) out[done] = out[done - back];
    }
  }
  return done;
}

static size_t lzf_filter(unsigned flags, size_t value_count, const unsigned *values, size_t bytes,
                         size_t *room, void **buffer) {
  if (!(flags & H5Z_FLAG_REVERSE) || value_count < 3 || values[2] == 0) return 0;
  uint8_t *out = malloc(values[2]);
  size_t done = out ? unpack_lzf(*buffer, bytes, out, values[2]) : 0;
  if (!done) return free(out), 0;
  free(*buffer);
  *buffer = out, *room = values[2];
  return done;
}

static const H5Z_class2_t lzf = {H5Z_CLASS_T_VERS, 32000, 0, 1, "lzf", NULL, NULL, lzf_filter};

void kh_enter(void) {
  pthread_mutex_lock(&lock);
  static int is_ready = 0;
  if (!is_ready) {
    // Locks fail on many network file systems, and reading needs none.
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    // External storage lies beside its file, as links do, and not in the present folder. (As a property
    // it would have to be given whenever a data set is opened, also by reference.)
    setenv("HDF5_EXTFILE_PREFIX", "${ORIGIN}", 0);
    // libhdf5 looks at both when it starts.
    H5dont_atexit(), H5Zregister(&lzf), is_ready = 1;
  }
  // Errors are returned, not printed.
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
int kh_leave(int status) {
  pthread_mutex_unlock(&lock);
  return status;
}

static herr_t first_words(unsigned depth, const H5E_error2_t *error, void *text) {
  if (depth == 0 && error->desc) snprintf(text, 200, "%s", error->desc);
  return 0;
}

void kh_explain(char *reason, size_t capacity, const char *otherwise) {
  char words[200] = "";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_words, words);
  snprintf(reason, capacity, "%s", words[0] ? words : otherwise);
  H5Eclear2(H5E_DEFAULT);
}

// What a child process reads of a file, and forgets.
static void ignore_attribute(void *context, const kh_attribute *attribute) { (void)context, (void)attribute; }
static void ignore_text(void *context, const char *text, size_t length) { (void)context, (void)text, (void)length; }
static void ignore_scale(void *context, int axis, const char *scale) { (void)context, (void)axis, (void)scale; }

typedef struct {
  char **paths;
  size_t count;
} path_list;

static int keep_path(void *context, const char *path, kh_object kind) {
  path_list *list = context;
  if (kind == KH_LINK) return 0;
  char **more = realloc(list->paths, (list->count + 1) * sizeof(char *));
  if (!more) return 1;
  list->paths = more;
  char *copy = malloc(strlen(path) + 2);
  if (!copy) return 1;
  // The first letter says what it is.
  copy[0] = kind == KH_GROUP ? 'g' : 'd';
  strcpy(copy + 1, path);
  list->paths[list->count++] = copy;
  return 0;
}

// Reads all that readers may ask for; -1 with the reason where libhdf5 fails. Numbers may be unreadable:
// who reads them says so.
static int read_whole(kh_file *file, int reads_all, char *reason, size_t capacity) {
  char words[200];
  path_list list = {NULL, 0};
  if (kh_list(file, keep_path, &list) < 0) return snprintf(reason, capacity, "its directory cannot be read"), -1;
  for (size_t i = 0; i < list.count; i++) {
    const char *path = list.paths[i] + 1;
    // A data set that is open does not open by another path, such as a link to another file and back.
    if (kh_attributes(file, path, ignore_attribute, NULL) < 0) {
      if (file->follows) continue;
      return snprintf(reason, capacity, "the attributes of '%.100s' cannot be read", path), -1;
    }
    if (list.paths[i][0] == 'g') continue;
    kh_description set;
    int status = kh_describe(file, path, &set, words, sizeof words);
    if (status == -1 && file->follows) continue;
    if (status == -1) return snprintf(reason, capacity, "'%.60s' cannot be opened (%.100s)", path, words), -1;
    if (status < 0) continue;
    kh_scales(file, path, ignore_scale, NULL);
    if (set.is_elsewhere || set.missing_filter[0] || !reads_all) continue;
    if (set.kind == KH_TEXT) kh_texts(file, path, ignore_text, NULL, words, sizeof words);
    if (set.kind > KH_BOOL) continue;
    // As much as a small file holds when it is packed well, in bounded memory.
    const int64_t most = 1 << 25;
    int64_t start[KH_MOST_AXES] = {0}, count = 1;
    for (int axis = 0; axis < set.rank && count <= most; axis++)
      count = set.shape[axis] > most ? INT64_MAX : count * set.shape[axis];
    if (count <= 0 || count > most) continue;
    // In both types, which libhdf5 converts by different code.
    void *numbers = malloc((size_t)count * sizeof(double));
    for (int is_double = 0; numbers && is_double < 2; is_double++)
      kh_read(file, path, set.rank, start, set.shape, is_double, numbers, words, sizeof words);
    free(numbers);
  }
  return 0;
}

int kh_probe(const char *path, int follows, int64_t bytes, int64_t whole, unsigned seconds, char *reason,
             size_t capacity) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return 0;
  // The lock is held, so that the child finds libhdf5 as no call has left it.
  kh_enter();
  pid_t child = fork();
  if (child == 0) {
    int deaths[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL, SIGALRM, SIGXCPU, SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) signal(deaths[i], SIG_DFL);
    // Threads of Swift's concurrency block signals.
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Of processor time; on a busy machine that is longer.
    struct rlimit limit = {seconds, seconds + 1};
    setrlimit(RLIMIT_CPU, &limit);
    alarm(24 * seconds);
    // Memory that is used before it is written, or after it was freed, crashes here and not by chance.
    mallopt(M_PERTURB, 0xA5);
    pthread_mutex_unlock(&lock);
    char words[200], because[256] = "";
    kh_file *file = kh_open(path, follows, words, sizeof words);
    if (!file) snprintf(because, sizeof because, "it is no whole HDF5 file (%s)", words);
    if (file) read_whole(file, bytes <= whole, because, sizeof because), kh_close(file);
    ssize_t done = write(ends[1], because, strlen(because));
    _exit(done < 0);
  }
  kh_leave(0);
  close(ends[1]);
  int result = 0, status = 0;
  if (child > 0) {
    // Less than a pipe holds, so the child does not wait for a reader.
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    ssize_t length = read(ends[0], reason, capacity - 1);
    reason[length > 0 ? length : 0] = 0;
    if (WIFSIGNALED(status)) result = WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU ? 2 : 1;
    else if (length > 0) result = 3;
  }
  close(ends[0]);
  return result;
}

kh_file *kh_open(const char *path, int follows, char *reason, size_t capacity) {
  kh_enter();
  kh_file *result = NULL;
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) {
    kh_explain(reason, capacity, "it is damaged");
  } else if ((result = calloc(1, sizeof *result))) {
    result->file = file;
    result->follows = follows;
  } else {
    H5Fclose(file);
  }
  kh_leave(0);
  return result;
}

void kh_close(kh_file *file) {
  if (!file) return;
  kh_enter();
  for (open_set *at = file->sets, *next; at; at = next) {
    next = at->next;
    H5Dclose(at->set);
    free(at->path);
    free(at);
  }
  H5Fclose(file->file);
  free(file);
  kh_leave(0);
}

// Access that goes through few links.
static hid_t limited(hid_t class) {
  hid_t access = H5Pcreate(class);
  if (access >= 0) H5Pset_nlinks(access, 16);
  return access;
}

// A data set by its path, which kh_list has given.
static hid_t opened(kh_file *file, const char *path) {
  for (open_set *at = file->sets; at; at = at->next)
    if (!strcmp(at->path, path)) return at->set;
  hid_t access = limited(H5P_DATASET_ACCESS);
  if (access < 0) return -1;
  H5Pset_chunk_cache(access, 12421, chunk_memory, 0.75);
  hid_t set = H5Dopen2(file->file, path, access);
  H5Pclose(access);
  open_set *entry = set < 0 ? NULL : malloc(sizeof *entry);
  if (!entry) return set;
  *entry = (open_set){strdup(path), set, file->sets};
  file->sets = entry;
  return set;
}

typedef struct {
  kh_file *file;
  int (*each)(void *, const char *, kh_object);
  void *context;
  // The path of what is visited, and how many links to other files lead there.
  const char *prefix;
  int depth;
} listing;

#define MOST_LINKS 4
#define LONGEST_PATH 4096

// Objects behind a link to another file have its path before theirs.
static int joined(const listing *list, const char *name, char path[LONGEST_PATH]) {
  const char *before = list->prefix;
  if (!strcmp(name, ".") && *before) return snprintf(path, LONGEST_PATH, "%s", before) < LONGEST_PATH;
  return snprintf(path, LONGEST_PATH, "%s%s%s", before, *before ? "/" : "", name) < LONGEST_PATH;
}

static herr_t visit(hid_t object, const char *name, const H5O_info_t *info, void *data) {
  (void)object;
  listing *list = data;
  char path[LONGEST_PATH];
  if (info->type != H5O_TYPE_DATASET && info->type != H5O_TYPE_GROUP) return 0;
  if (!joined(list, name, path)) return 0;
  return list->each(list->context, path, info->type == H5O_TYPE_GROUP ? KH_GROUP : KH_SET);
}

static herr_t list_from(listing *list);

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *data) {
  (void)group;
  listing *list = data;
  char path[LONGEST_PATH];
  if (info->type != H5L_TYPE_EXTERNAL || !joined(list, name, path)) return 0;
  if (!list->file->follows) return list->each(list->context, path, KH_LINK);
  if (list->depth == MOST_LINKS) return 0;
  listing further = {list->file, list->each, list->context, path, list->depth + 1};
  herr_t status = list_from(&further);
  if (status >= 0) return status;
  // Its file or object is not there.
  H5Eclear2(H5E_DEFAULT);
  return list->each(list->context, path, KH_LINK);
}

static herr_t list_from(listing *list) {
  hid_t access = limited(H5P_LINK_ACCESS);
  hid_t object = H5Oopen(list->file->file, *list->prefix ? list->prefix : "/", access);
  herr_t status = -1;
  if (object >= 0) {
#if H5_VERSION_GE(1, 12, 0)
    status = H5Ovisit(object, H5_INDEX_NAME, H5_ITER_NATIVE, visit, list, H5O_INFO_BASIC);
#else
    status = H5Ovisit(object, H5_INDEX_NAME, H5_ITER_NATIVE, visit, list);
#endif
    if (status == 0 && H5Iget_type(object) == H5I_GROUP)
      status = H5Lvisit(object, H5_INDEX_NAME, H5_ITER_NATIVE, visit_link, list);
    H5Oclose(object);
  }
  if (access >= 0) H5Pclose(access);
  return status;
}

int kh_list(kh_file *file, int (*each)(void *, const char *, kh_object), void *context) {
  kh_enter();
  listing list = {file, each, context, "", 0};
  herr_t status = list_from(&list);
  H5Eclear2(H5E_DEFAULT);
  return kh_leave(status < 0 ? -1 : 0);
}

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
  hid_t set = opened(file, path), type = -1, space = -1, list = -1;
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
    for (int i = 0; i < filters; i++) {
      unsigned flags;
      size_t values = 0;
      char name[32] = "";
      H5Z_filter_t filter =
          H5Pget_filter2(list, (unsigned)i, &flags, &values, NULL, sizeof name, name, NULL);
      name[sizeof name - 1] = 0;
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
  hid_t set = opened(file, path), space = -1, memory = -1;
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
  hid_t set = opened(file, path);
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
  hid_t access = limited(H5P_LINK_ACCESS), object = H5Oopen(file->file, path, access);
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
  hid_t set = opened(file, path), list = set < 0 ? -1 : H5Aopen(set, "DIMENSION_LIST", H5P_DEFAULT);
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

void kh_version(char *text, size_t capacity) {
  unsigned major = 0, minor = 0, release = 0;
  kh_enter();
  H5get_libversion(&major, &minor, &release);
  kh_leave(0);
  snprintf(text, capacity, "%u.%u.%u", major, minor, release);
}
