/* Packets of one IP protocol, raw(7). With a remote address the socket is connected and packets
 * have no IP header, neither way; without (IPv4 alone) they carry it both ways, and it says where
 * they go. */
#include "batch.h"
#include "bytes.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ip {
  bool v4, bare;                           /* bare: without IP headers */
  struct batch batch;
};

static socklen_t parse_address(const char *s, struct sockaddr_storage *out) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)out;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, s, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    return sizeof *v4;
  }
  v6->sin6_family = AF_INET6;
  return inet_pton(AF_INET6, s, &v6->sin6_addr) == 1 ? sizeof *v6 : 0;
}

/* Where each packet goes is said with it: the kernel wants it outside the header too. */
static void address_each(struct batch *b) {
  for (int i = 0; i < tx_max; i++) {
    b->to[i].sin_family = AF_INET;
    b->out[i].msg_hdr.msg_name = &b->to[i];
    b->out[i].msg_hdr.msg_namelen = sizeof b->to[i];
  }
}

static int join_ends(struct device *d, const char *local, const char *remote) {
  struct sockaddr_storage a;
  socklen_t n;
  if (local[0] != 0) {
    if ((n = parse_address(local, &a)) == 0) return EINVAL;
    if (bind(d->fd, (struct sockaddr *)&a, n) < 0) return errno;
  }
  if (remote[0] == 0) return 0;
  n = parse_address(remote, &a);
  return connect(d->fd, (struct sockaddr *)&a, n) < 0 ? errno : 0;
}

static int ip_open(struct device *d, napi_value spec) {
  char local[64], remote[64];
  struct sockaddr_storage a;
  int on = 1, size = 4 << 20, proto = (int)prop_int(d->env, spec, "proto", 0);
  prop_text(d->env, spec, "local", local, sizeof local);
  prop_text(d->env, spec, "remote", remote, sizeof remote);
  snprintf(d->name, sizeof d->name, "ip %d", proto);
  snprintf(d->what, sizeof d->what, "ip protocol %d", proto);
  if (proto < 1 || proto > 255 || (remote[0] != 0 && parse_address(remote, &a) == 0)) return EINVAL;
  struct ip *s = d->state = calloc(1, sizeof *s);
  if (s == NULL) return ENOMEM;
  batch_init(&s->batch, d);
  s->bare = remote[0] != 0;
  s->v4 = !s->bare || a.ss_family == AF_INET;
  d->fd = socket(s->v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
  if (d->fd < 0) return errno;
  setsockopt(d->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (!s->bare) {
    address_each(&s->batch);
    if (setsockopt(d->fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof on) < 0) return errno;
  }
  return join_ends(d, local, remote);
}

/* IPv4 sockets give the header always, IPv6 ones never. */
static uint32_t header_bytes(const struct ip *s, const uint8_t *packet, uint32_t n) {
  if (!s->bare || !s->v4 || n < 20) return 0;
  uint32_t header = (uint32_t)(packet[0] & 15) * 4;
  return header <= n ? header : n;
}

static int ip_receive(struct device *d) {
  struct ip *s = d->state;
  int got = batch_receive(d, &s->batch);
  uint32_t n = 0, room = slot_room(d);
  for (int i = 0; i < got; i++) {
    uint32_t length = s->batch.in[i].msg_len;
    if (length > room) {
      d->count[rx_toobig]++;
      continue;
    }
    uint8_t *packet = slot(d, (uint32_t)i);
    uint32_t header = header_bytes(s, packet, length);
    put_at(d, n++, packet + header, length - header);
  }
  return got < 0 ? got : (int)n;
}

static int ip_send(struct device *d, int n) {
  struct ip *s = d->state;
  for (int i = 0; i < n && !s->bare; i++)
    if (tx_length(d, i) >= 20) memcpy(&s->batch.to[i].sin_addr, tx_packet(d, i) + 16, 4);
  return batch_send(d, &s->batch, n);
}

/* What ICMP said of a packet of ours; reading the error clears it, and the socket goes on. */
static int ip_gone(struct device *d, int error) {
  socklen_t n = sizeof error;
  getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &n);
  return 0;
}

static void ip_free(struct device *d) { free(d->state); }

const struct kind kind_ip = {
  .name = "ip",
  .needs = "CAP_NET_RAW",
  .rounds = 1,
  .open = ip_open,
  .receive = ip_receive,
  .send = ip_send,
  .gone = ip_gone,
  .free = ip_free,
};
