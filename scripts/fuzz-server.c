// Loads a program once and runs it many times: the dynamic linker takes 0.4 s for libtorch, which
// is most of an attack. Preloaded by fuzz.py; the program's main waits here for commands, and each
// runs in a process of its own, forked after everything is loaded and before main has begun.
//
// Command: 4 bytes of length, then strings ended by zero bytes: working folder, limit of address
// space in bytes (0: none), file for standard error, arguments. Answers: 4 bytes of the process's
// number, and when it has ended 4 bytes of its status as waitpid gives it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int (*Main)(int, char **, char **);
static Main program;

static int readAll(int file, void *to, size_t count) {
  for (char *at = to; count;) {
    ssize_t got = read(file, at, count);
    if (got <= 0) return 0;
    at += got, count -= (size_t)got;
  }
  return 1;
}

static void replace(int descriptor, const char *path, int flags) {
  int file = open(path, flags, 0600);
  if (file < 0 || dup2(file, descriptor) < 0) _exit(99);
  close(file);
}

static int serve(int argc, char **argv, char **environment) {
  const char *variable = getenv("KYMO_FUZZ_SERVER");
  if (!variable) return program(argc, argv, environment);
  int socket = atoi(variable);
  unsetenv("LD_PRELOAD"), unsetenv("KYMO_FUZZ_SERVER");
  for (uint32_t length; readAll(socket, &length, 4);) {
    char *text = malloc(length);
    if (!text || !readAll(socket, text, length)) return 1;
    pid_t child = fork();
    if (child == 0) {
      char *words[200] = {argv[0]}, *head[3];
      int count = 0;
      for (char *at = text; at < text + length && count < 198; at += strlen(at) + 1, count++)
        *(count < 3 ? &head[count] : &words[count - 2]) = at;
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(socket);
      replace(0, "/dev/null", O_RDONLY);
      replace(1, "/dev/null", O_WRONLY);
      replace(2, head[2], O_WRONLY | O_CREAT | O_TRUNC);
      struct rlimit none = {0, 0};
      setrlimit(RLIMIT_CORE, &none);
      rlim_t bytes = strtoull(head[1], NULL, 10);
      struct rlimit memory = {bytes, bytes};
      if (bytes) setrlimit(RLIMIT_AS, &memory);
      if (chdir(head[0])) _exit(99);
      // Swift has read the arguments of the server already.
      void (*override)(char **, int) = dlsym(RTLD_DEFAULT, "_swift_stdlib_overrideUnsafeArgvArgc");
      if (!override) _exit(99);
      override(words, count - 2);
      exit(program(count - 2, words, environ));
    }
    free(text);
    int32_t answer = child, status = 0;
    if (write(socket, &answer, 4) != 4 || waitpid(child, &status, 0) < 0) return 1;
    if (write(socket, &status, 4) != 4) return 1;
  }
  return 0;
}

// Destructors of libtorch take 0.1 s more; they run in the phases that start programs by themselves.
void exit(int status) {
  fflush(NULL);
  _exit(status);
}

int __libc_start_main(Main given, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*linker)(void), void *stack) {
  program = given;
  int (*start)(Main, int, char **, void (*)(void), void (*)(void), void (*)(void), void *) =
      dlsym(RTLD_NEXT, "__libc_start_main");
  return start(serve, argc, argv, init, fini, linker, stack);
}
