/* Programs at the other end of three pipes: what Swift's view of the C library leaves out. */
#ifndef KYMO_PROCESS_H
#define KYMO_PROCESS_H

#include <stddef.h>
#include <stdint.h>

typedef struct kp_program {
  int32_t process;              /* its number and that of its process group */
  int32_t input, output, errors; /* our ends of its standard streams; they do not block */
  int32_t watcher, lifeline;     /* what ends the group when we die, and the pipe by which it sees it */
} kp_program;

/* Starts a program in a process group of its own, with signals as a shell would leave them. The
   arrays end with NULL; `folder` may be NULL. A name without a slash is looked for on PATH. Returns
   0, or the error number, `program` being untouched. */
int32_t kp_start(
    kp_program *program, char *const *arguments, char *const *environment, const char *folder);

/* Writes what fits and returns how much, or the negative error number; raises no SIGPIPE. */
int64_t kp_write(int32_t descriptor, const void *bytes, size_t count);

/* 1 when the program has ended; it stays to be reaped. */
int32_t kp_has_ended(int32_t process);

/* Ends what is left of the program's group, then waits for the program itself and returns its
   status as wait does. To be called once. */
int32_t kp_reap(const kp_program *program);

#endif
