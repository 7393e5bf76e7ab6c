// Loads a program once and runs it many times: the dynamic linker takes 0.4 s for libtorch, which
// is most of an attack. Preloaded by fuzz.py; the program's main waits here for commands, and each
// runs in a process of its own, forked after everything is loaded and before main has begun.
//
// Commands that are the same one after the other run in one process, up to KYMO_FUZZ_REPEATS of
// them: Swift's first looks at its types take more than reading a small file. Swift reads its
// arguments once, so other ones need another process.
//
// Command: 4 bytes of length, then strings ended by zero bytes: working folder, limit of address
// space in bytes (0: none), file for standard error, arguments. Answers: 4 bytes of the process's
// number, and when the command has ended 4 bytes of its status as waitpid gives it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int (*Main)(int, char **, char **);
static Main program;
static int channel;
static int is_worker;
// Whether the process that was forked runs a command; shared with it.
static volatile int *is_busy;
static jmp_buf between;

static void send_number(int32_t number) {
  if (write(channel, &number, 4) != 4) _exit(99);
}

// The next command, with its length before it; NULL when there will be none. It stays in the channel.
static char *next(size_t *size) {
  uint32_t length;
  if (recv(channel, &length, 4, MSG_PEEK | MSG_WAITALL) != 4) return NULL;
  *size = 4 + (size_t)length;
  char *text = malloc(*size);
  if (!text || recv(channel, text, *size, MSG_PEEK | MSG_WAITALL) != (ssize_t)*size) return NULL;
  return text;
}

static void replace(int descriptor, const char *path, int flags) {
  int file = open(path, flags, 0600);
  if (file < 0 || dup2(file, descriptor) < 0) _exit(99);
  close(file);
}

static void work(char *name, int repeats) {
  static char *first;
  static size_t size, length;
  static int done;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  is_worker = 1;
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // Comes back after every command.
  setjmp(between);
  char *text = next(&length);
  if (!text || done++ == repeats || (first && (length != size || memcmp(first, text, size)))) _exit(0);
  if (recv(channel, text, length, MSG_WAITALL) != (ssize_t)length) _exit(99);
  *is_busy = 1;
  send_number(getpid());
  char *words[200] = {name}, *head[3];
  int count = 0;
  for (char *at = text + 4; at < text + length && count < 198; at += strlen(at) + 1, count++)
    *(count < 3 ? &head[count] : &words[count - 2]) = at;
  replace(0, "/dev/null", O_RDONLY);
  replace(1, "/dev/null", O_WRONLY);
  replace(2, head[2], O_WRONLY | O_CREAT | O_TRUNC);
  rlim_t bytes = strtoull(head[1], NULL, 10);
  struct rlimit memory = {bytes, RLIM_INFINITY};
  if (bytes) setrlimit(RLIMIT_AS, &memory);
  if (chdir(head[0])) _exit(99);
  // Swift has read the arguments of the server already.
  void (*override)(char **, int) = dlsym(RTLD_DEFAULT, "_swift_stdlib_overrideUnsafeArgvArgc");
  if (!override) _exit(99);
  if (!first) override(words, count - 2);
  first = text, size = length;
  exit(program(count - 2, words, environ));
}

static int serve(int argc, char **argv, char **environment) {
  const char *variable = getenv("KYMO_FUZZ_SERVER"), *repeats = getenv("KYMO_FUZZ_REPEATS");
  if (!variable) return program(argc, argv, environment);
  channel = atoi(variable);
  fcntl(channel, F_SETFD, FD_CLOEXEC);
  int most = repeats ? atoi(repeats) : 1;
  unsetenv("LD_PRELOAD"), unsetenv("KYMO_FUZZ_SERVER"), unsetenv("KYMO_FUZZ_REPEATS");
  is_busy = mmap(NULL, sizeof *is_busy, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (is_busy == MAP_FAILED) return 1;
  for (size_t size; free(next(&size)), recv(channel, &size, 1, MSG_PEEK) == 1;) {
    pid_t child = fork();
    if (child == 0) work(argv[0], most);
    int32_t status = 0;
    if (waitpid(child, &status, 0) < 0) return 1;
    if (*is_busy) *is_busy = 0, send_number(status);
  }
  return 0;
}

// Only main's frame is left here: it ends with exit(). Destructors of libtorch would take 0.1 s more;
// they run in the phases that start programs by themselves.
void exit(int status) {
  fflush(NULL);
  if (!is_worker || gettid() != getpid()) _exit(status);
  *is_busy = 0;
  send_number((status & 255) << 8);
  longjmp(between, 1);
}

int __libc_start_main(Main given, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*linker)(void), void *stack) {
  program = given;
  int (*start)(Main, int, char **, void (*)(void), void (*)(void), void (*)(void), void *) =
      dlsym(RTLD_NEXT, "__libc_start_main");
  return start(serve, argc, argv, init, fini, linker, stack);
}
