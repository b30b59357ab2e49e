/* Messages to and from the kernel, netlink(7). What they say is for JavaScript. */
#include "batch.h"
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

/* Errors with their reason in words, and without the request repeated (Linux 4.12). */
static void set_options(int fd) {
  int on = 1, size = 1 << 20;
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
}

static int netlink_open(struct device *d, napi_value spec) {
  int proto = (int)prop_int(d->env, spec, "proto", NETLINK_ROUTE);
  struct sockaddr_nl at = { .nl_family = AF_NETLINK };
  at.nl_groups = (uint32_t)prop_int(d->env, spec, "groups", 0);
  snprintf(d->name, sizeof d->name, "netlink %d", proto);
  snprintf(d->what, sizeof d->what, "netlink %d", proto);
  d->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
  if (d->fd < 0) return errno;
  struct batch *b = d->state = calloc(1, sizeof *b);
  if (b == NULL) return ENOMEM;
  batch_init(b, d);
  batch_from(b);
  set_options(d->fd);
  return bind(d->fd, (struct sockaddr *)&at, sizeof at) < 0 ? errno : 0;
}

/* Any process may write to a netlink socket: only the kernel (pid 0) is heard. */
static bool from_kernel(const struct batch *b, uint32_t i) {
  return ((const struct sockaddr_nl *)&b->from[i])->nl_pid == 0;
}

static int netlink_receive(struct device *d) {
  struct batch *b = d->state;
  int got = batch_receive(d, b);
  uint32_t n = 0, room = slot_room(d);
  for (int i = 0; i < got; i++) {
    uint32_t length = b->in[i].msg_len;
    if (!from_kernel(b, (uint32_t)i)) d->count[rx_bad]++;
    else if (length > room) d->count[rx_toobig]++;
    else put_at(d, n++, slot(d, (uint32_t)i), length);
  }
  return got < 0 ? got : (int)n;
}

static int netlink_send(struct device *d, int n) { return batch_send(d, d->state, n); }

static int netlink_gone(struct device *d, int error) {
  socklen_t n = sizeof error;
  getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &n);
  return 0;
}

static void netlink_free(struct device *d) { free(d->state); }

const struct kind kind_netlink = {
  .name = "netlink",
  .rounds = 4,
  .open = netlink_open,
  .receive = netlink_receive,
  .send = netlink_send,
  .gone = netlink_gone,
  .free = netlink_free,
};
