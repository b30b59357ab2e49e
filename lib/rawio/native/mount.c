/* Mounting FUSE: mount(2) for who may, fusermount3(1) for who may not. */
#include "mount.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define options_max 512
#define name_max 32
#define source_max 256
#define complaint_max 160
#define helper_secs 10  /* fusermount answers at once, or not at all */

extern char **environ;

/* Error texts have a limit, and directories can be long: their end tells more. */
static napi_value fail(napi_env env, const char *verb, const char *dir, int error) {
  char what[80];
  size_t n = strlen(dir), cut = n > 50 ? n - 50 : 0;
  snprintf(what, sizeof what, "%s %s%.50s", verb, cut > 0 ? "..." : "", dir + cut);
  return throw_errno(env, what, error, NULL);
}

static int mount_fd(int fd, const char *dir, const char *options, const char *name,
                    const char *source) {
  char data[options_max + 128], type[name_max + 8];
  struct stat s;
  if (stat(dir, &s) < 0) return errno;
  snprintf(data, sizeof data, "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s%s", fd,
           (unsigned)(s.st_mode & S_IFMT), getuid(), getgid(), options[0] != 0 ? "," : "", options);
  unsigned long flags = MS_NOSUID | MS_NODEV;
  snprintf(type, sizeof type, "fuse.%s", name);
  return mount(source, dir, type, flags, data) < 0 ? errno : 0;
}

napi_value mount_fuse(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  char dir[PATH_MAX], options[options_max], name[name_max], source[source_max];
  int fd = (int)to_int(env, c.argv[0], -1);
  bool sound = to_text(env, c.argv[1], dir, sizeof dir) &&
               to_text(env, c.argv[2], options, sizeof options) &&
               to_text(env, c.argv[3], name, sizeof name) &&
               to_text(env, c.argv[4], source, sizeof source);
  int error = sound ? mount_fd(fd, dir, options, name, source) : EINVAL;
  return error == 0 ? NULL : fail(env, "mount", dir, error);
}

/* Our environment, and where the helper sends the descriptor. Not setenv(3): there are threads. */
static char **environment(void) {
  size_t n = 0;
  while (environ[n] != NULL) n++;
  char **all = calloc(n + 2, sizeof *all);
  if (all == NULL) return NULL;
  memcpy(all, environ, n * sizeof *all);
  all[n] = "_FUSE_COMMFD=3";
  return all;
}

/* Runs fusermount3 with `end` of a socket pair as its descriptor 3, and what it complains of
 * going into `complaints`; 0 or an errno. */
static int run(char *const argv[], int end, int complaints, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  char **env = environment();
  if (env == NULL) return ENOMEM;
  posix_spawn_file_actions_init(&actions);
  if (complaints >= 0) posix_spawn_file_actions_adddup2(&actions, complaints, 2);
  if (end >= 0) posix_spawn_file_actions_adddup2(&actions, end, 3);
  int error = posix_spawnp(pid, argv[0], &actions, NULL, argv, env);
  posix_spawn_file_actions_destroy(&actions);
  free(env);
  return error;
}

static int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}

/* The descriptor of /dev/fuse that fusermount3 sends, or -errno. */
static int receive_fd(int s) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec part = { &byte, 1 };
  struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                      .msg_controllen = sizeof control };
  struct timeval limit = { .tv_sec = helper_secs };
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ssize_t n = recvmsg(s, &m, MSG_CMSG_CLOEXEC);
  if (n < 0) return errno == EAGAIN ? -ETIMEDOUT : -errno;
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  if (n == 0 || h == NULL || h->cmsg_type != SCM_RIGHTS) return -EPERM;
  int fd;
  memcpy(&fd, CMSG_DATA(h), sizeof fd);
  return fd;
}

/* The first line that is in the pipe, without waiting for one; closes it. */
static void first_line(int pipe, char *line) {
  ssize_t n = read(pipe, line, complaint_max - 1);
  close(pipe);
  line[n > 0 ? n : 0] = 0;
  line[strcspn(line, "\n")] = 0;
}

/* The mount's descriptor or -errno, with what fusermount3 had to say in `complaint`. */
static int fusermount(char *dir, char *options, char *complaint) {
  char *argv[] = { "fusermount3", "-o", options, "--", dir, NULL };
  int ends[2], said[2];
  pid_t pid;
  if (pipe2(said, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
    int error = errno;
    close(said[0]);
    close(said[1]);
    return -error;
  }
  int error = run(argv, ends[1], said[1], &pid);
  close(said[1]);
  close(ends[1]);
  int fd = error == 0 ? receive_fd(ends[0]) : -error;
  close(ends[0]);
  if (error == 0 && fd < 0) kill(pid, SIGKILL);  /* it may be hanging; if it ended, no matter */
  if (error == 0) wait_for(pid);
  first_line(said[0], complaint);
  return fd;
}

napi_value mount_unprivileged(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  char dir[PATH_MAX], options[options_max], complaint[complaint_max] = "";
  bool sound = to_text(env, c.argv[0], dir, sizeof dir) &&
               to_text(env, c.argv[1], options, sizeof options);
  int fd = sound ? fusermount(dir, options, complaint) : -EINVAL;
  if (fd >= 0) return number(env, fd);
  if (complaint[0] != 0) return throw_text(env, "EPERM", complaint);
  return fail(env, "fusermount3", dir, -fd);
}

/* Who may not umount(2) asks fusermount3, as when it was mounted. */
static int unmount(char *dir, bool lazy) {
  char *argv[] = { "fusermount3", lazy ? "-uz" : "-u", "--", dir, NULL };
  pid_t pid;
  if (umount2(dir, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) return 0;
  if (errno != EPERM) return errno;
  return run(argv, -1, -1, &pid) != 0 ? EPERM : wait_for(pid);
}

napi_value mount_end(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  char dir[PATH_MAX];
  bool lazy = false;
  napi_get_value_bool(env, c.argv[1], &lazy);
  int error = to_text(env, c.argv[0], dir, sizeof dir) ? unmount(dir, lazy) : EINVAL;
  return error == 0 ? NULL : fail(env, "unmount", dir, error);
}
