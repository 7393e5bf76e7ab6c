// A trial of a file in a process of its own.
#define _GNU_SOURCE
#include "CHDF5.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
    kh_leave(0);
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
