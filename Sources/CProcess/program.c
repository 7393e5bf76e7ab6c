// See CProcess.h.
#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int spawn(
    pid_t *process, char *const *arguments, char *const *environment, const char *folder,
    const int ends[3]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  int error = 0;
  for (int stream = 0; stream < 3 && !error; stream++)
    error = posix_spawn_file_actions_adddup2(&actions, ends[stream], stream);
  if (!error && folder) error = posix_spawn_file_actions_addchdir_np(&actions, folder);
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE), sigaddset(&usual, SIGINT), sigaddset(&usual, SIGTERM);
  sigaddset(&usual, SIGHUP), sigaddset(&usual, SIGQUIT);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  // A group of its own: Ctrl-C reaches Kymo alone, which then stops the group.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (!error)
    error = posix_spawnp(process, arguments[0], &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

// However this process ends, its end of the lifeline closes; a shell that reads the other end then
// ends the program's group. PR_SET_PDEATHSIG would reach the program, not what it has started.
static void watch(kp_program *program) {
  program->watcher = program->lifeline = -1;
  int lifeline[2];
  if (pipe2(lifeline, O_CLOEXEC) != 0) return;
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  char group[16];
  snprintf(group, sizeof group, "-%d", (int)program->process);
  char *const arguments[] = {"sh", "-c", "read -r end; kill -9 \"$0\"", group, NULL};
  char *const environment[] = {"PATH=/bin:/usr/bin", NULL};
  const int ends[3] = {lifeline[0], nowhere, nowhere};
  pid_t watcher = -1;
  const int error = nowhere < 0 ? errno : spawn(&watcher, arguments, environment, "/", ends);
  close(lifeline[0]);
  if (nowhere >= 0) close(nowhere);
  if (error) {
    close(lifeline[1]);
  } else {
    program->watcher = watcher;
    program->lifeline = lifeline[1];
  }
}

static int wait_for(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

int32_t kp_start(
    kp_program *program, char *const *arguments, char *const *environment, const char *folder) {
  int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
  int error = 0;
  // Closed in every other program that is started meanwhile, so that ends are seen.
  for (int stream = 0; stream < 3 && !error; stream++)
    if (pipe2(pipes[stream], O_CLOEXEC) != 0) error = errno;
  pid_t process = -1;
  const int theirs[3] = {pipes[0][0], pipes[1][1], pipes[2][1]};
  const int ours[3] = {pipes[0][1], pipes[1][0], pipes[2][0]};
  if (!error) error = spawn(&process, arguments, environment, folder, theirs);
  for (int stream = 0; stream < 3; stream++) {
    if (theirs[stream] >= 0) close(theirs[stream]);
    if (error && ours[stream] >= 0) close(ours[stream]);
    if (!error) fcntl(ours[stream], F_SETFL, fcntl(ours[stream], F_GETFL) | O_NONBLOCK);
  }
  if (error) return error;
  *program = (kp_program){process, ours[0], ours[1], ours[2], -1, -1};
  watch(program);
  return 0;
}

int64_t kp_write(int32_t descriptor, const void *bytes, size_t count) {
  // The signal is held back in this thread and taken away again.
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t written = write(descriptor, bytes, count);
  const int error = written < 0 ? errno : 0;
  if (error == EPIPE) {
    const struct timespec now = {0, 0};
    sigtimedwait(&pipe_signal, NULL, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return written < 0 ? -(int64_t)error : (int64_t)written;
}

int32_t kp_has_ended(int32_t process) {
  siginfo_t information = {0};
  const int result = waitid(P_PID, (id_t)process, &information, WEXITED | WNOHANG | WNOWAIT);
  // Without a child to wait for there is nothing to wait for.
  return result != 0 || information.si_pid == process;
}

int32_t kp_reap(const kp_program *program) {
  // Until the program is reaped its group's number cannot belong to anybody else.
  kill(-program->process, SIGKILL);
  if (program->watcher > 0) {
    kill(program->watcher, SIGKILL);
    wait_for(program->watcher);
    close(program->lifeline);
  }
  return wait_for(program->process);
}
