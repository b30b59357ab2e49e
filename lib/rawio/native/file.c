/* A descriptor where one read(2) and one write(2) is a message: /dev/fuse above all. Messages are
 * read one at a time, since the one who asked is waiting for the answer. */
#include "device.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

static int file_open(struct device *d, napi_value spec) {
  snprintf(d->what, sizeof d->what, "file");
  if (!device_given(d, spec)) return EBADF;
  snprintf(d->name, sizeof d->name, "fd %d", d->fd);
  int flags = fcntl(d->fd, F_GETFL);
  return flags < 0 || fcntl(d->fd, F_SETFL, flags | O_NONBLOCK) < 0 ? errno : 0;
}

/* ENOENT: a FUSE request was interrupted before it was read. 0: the end of a file. */
static int file_receive(struct device *d) {
  ssize_t r;
  do r = read(d->fd, slot(d, 0), slot_room(d));
  while (r < 0 && (errno == EINTR || errno == ENOENT));
  if (r <= 0) return r == 0 ? -ENODATA : -errno;
  put_at(d, 0, slot(d, 0), (uint32_t)r);
  return 1;
}

static int file_send(struct device *d, int n) {
  int done = 0;
  while (done < n) {
    ssize_t r = write(d->fd, tx_packet(d, done), tx_length(d, done));
    if (r < 0 && errno == EINTR) continue;
    if (r < 0 && errno == EAGAIN) break;
    d->count[r < 0 ? tx_dropped : tx_packets]++;
    done++;
  }
  return done;
}

/* No error of a read gets better by reading again; ENODEV is what unmounting gives. */
static int file_gone(struct device *d, int error) {
  (void)d;
  return error != 0 ? error : ENODEV;
}

/* write(header, n, data?): the first n bytes of header, then data, in one message; 0 or -errno. */
static napi_value method_write(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct device *d = this_device(&c);
  if (d == NULL) return NULL;
  if (d->closed || d->kind != &kind_file) return number(env, -EBADF);
  size_t room = 0, more = 0;
  uint8_t *header = to_bytes(env, c.argv[0], &room);
  uint8_t *data = to_bytes(env, c.argv[2], &more);
  int64_t n = to_int(env, c.argv[1], -1);
  if (header == NULL || n < 0 || (uint64_t)n > room)
    return throw_text(env, "EINVAL", "rawio: bad header");
  struct iovec parts[2] = { { header, (size_t)n }, { data, more } };
  ssize_t r;
  do r = writev(d->fd, parts, more > 0 ? 2 : 1);
  while (r < 0 && errno == EINTR);
  d->count[r < 0 ? tx_dropped : tx_packets]++;
  return number(env, r < 0 ? -errno : 0);
}

static void file_methods(napi_env env, napi_value object) {
  set_function(env, object, "write", method_write);
}

const struct kind kind_file = {
  .name = "file",
  .rounds = 32,
  .together = true,
  .open = file_open,
  .receive = file_receive,
  .send = file_send,
  .gone = file_gone,
  .methods = file_methods,
};
