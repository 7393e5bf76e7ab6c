// Opening of HDF5 files through libhdf5's C API (https://docs.hdfgroup.org), what is in them, and the one lock.
#include "CHDF5.h"
#include "internal.h"

#include <hdf5.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const size_t chunk_memory = 64 << 20;

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
    H5dont_atexit(), H5Zregister(&kh_lzf), is_ready = 1;
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

hid_t kh_limited(hid_t class) {
  hid_t access = H5Pcreate(class);
  if (access >= 0) H5Pset_nlinks(access, 16);
  return access;
}

hid_t kh_opened(kh_file *file, const char *path) {
  for (open_set *at = file->sets; at; at = at->next)
    if (!strcmp(at->path, path)) return at->set;
  hid_t access = kh_limited(H5P_DATASET_ACCESS);
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
  hid_t access = kh_limited(H5P_LINK_ACCESS);
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

void kh_version(char *text, size_t capacity) {
  unsigned major = 0, minor = 0, release = 0;
  kh_enter();
  H5get_libversion(&major, &minor, &release);
  kh_leave(0);
  snprintf(text, capacity, "%u.%u.%u", major, minor, release);
}
