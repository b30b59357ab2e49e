/* Ethernet frames of one interface and ethertype, packet(7). */
#include "batch.h"
#include "frame.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Enough for a burst while JavaScript is busy: 8 MiB are some 3,500 full frames. For sending less:
 * it must say that it is full before the queue of the interface begins to drop. */
#define receive_buffer (8 << 20)
#define send_buffer (1 << 20)

struct ether {
  bool promiscuous;
  struct batch batch;
};

/* Opening ------------------------------------------------------------------------------------ */

/* Past net.core.rmem_max where we may; else as far as it goes. */
static void set_buffer(int fd, int force, int plain, int size) {
  if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof size) < 0)
    setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size);
}

/* Leaves out what we sent. And what is for another host: without promiscuous() it is here only
 * because another program asked for it, or it came with a VLAN tag: a socket of one type gets such
 * frames without their tag, so marked, and must not take them for untagged ones. */
static int set_filter(int fd, bool promiscuous) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, promiscuous ? PACKET_OUTGOING : PACKET_OTHERHOST, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = { sizeof code / sizeof code[0], code };
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? errno : 0;
}

/* Tags are told of where all types come in, and a checksum can be unfinished in IP. */
static bool wants_auxdata(int type) {
  return type == ETH_P_ALL || type == ETH_P_IP || type == ETH_P_IPV6;
}

static int set_options(struct device *d, int type) {
  struct ether *e = d->state;
  int on = 1;
  if (wants_auxdata(type)) {
    if (setsockopt(d->fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) < 0) return errno;
    batch_control(&e->batch);
  }
  set_buffer(d->fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer);
  set_buffer(d->fd, SO_SNDBUFFORCE, SO_SNDBUF, send_buffer);
  return set_filter(d->fd, false);
}

/* Protocol 0 until the bind, or frames of every interface would come in before it. */
static int ether_open(struct device *d, napi_value spec) {
  struct sockaddr_ll at = { .sll_family = AF_PACKET };
  prop_text(d->env, spec, "ifname", d->name, IFNAMSIZ);
  snprintf(d->what, sizeof d->what, "ether %s", d->name);
  d->ifindex = (int)if_nametoindex(d->name);
  if (d->ifindex == 0) return ENODEV;
  at.sll_ifindex = d->ifindex;
  int type = (int)prop_int(d->env, spec, "type", ETH_P_ALL);
  at.sll_protocol = htons((uint16_t)type);
  d->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (d->fd < 0) return errno;
  struct ether *e = d->state = calloc(1, sizeof *e);
  if (e == NULL) return ENOMEM;
  batch_init(&e->batch, d);
  int error = set_options(d, type);
  if (error != 0) return error;
  return bind(d->fd, (struct sockaddr *)&at, sizeof at) < 0 ? errno : 0;
}

/* Receiving ---------------------------------------------------------------------------------- */

static const struct tpacket_auxdata *auxdata(struct msghdr *m) {
  struct cmsghdr *c = CMSG_FIRSTHDR(m);
  if (c == NULL || c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) return NULL;
  return c->cmsg_len < CMSG_LEN(sizeof(struct tpacket_auxdata)) ? NULL : (void *)CMSG_DATA(c);
}

static uint8_t *tag_back(uint8_t *frame, const struct tpacket_auxdata *aux) {
  bool known = aux->tp_status & TP_STATUS_VLAN_TPID_VALID;
  return frame_tag(frame, known ? aux->tp_vlan_tpid : ETH_P_8021Q, aux->tp_vlan_tci);
}

static int ether_receive(struct device *d) {
  struct ether *e = d->state;
  struct batch *b = &e->batch;
  int got = batch_receive(d, b);
  uint32_t n = 0, room = slot_room(d);
  for (int i = 0; i < got; i++) {
    uint8_t *frame = slot(d, (uint32_t)i);
    uint32_t length = b->in[i].msg_len;
    const struct tpacket_auxdata *aux = auxdata(&b->in[i].msg_hdr);
    if (length > room || length < ETH_HLEN) {
      d->count[length > room ? rx_toobig : rx_bad]++;
      continue;
    }
    if (aux != NULL && aux->tp_status & TP_STATUS_CSUMNOTREADY) frame_finish(frame, length);
    bool tagged = aux != NULL && aux->tp_status & TP_STATUS_VLAN_VALID;
    put_at(d, n++, tagged ? tag_back(frame, aux) : frame, length + (tagged ? 4 : 0));
  }
  return got < 0 ? got : (int)n;
}

static int ether_send(struct device *d, int n) {
  struct ether *e = d->state;
  return batch_send(d, &e->batch, n);
}

/* The interface ------------------------------------------------------------------------------ */

static int membership(struct device *d, bool on, struct packet_mreq *m) {
  m->mr_ifindex = d->ifindex;
  int option = on ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP;
  return setsockopt(d->fd, SOL_PACKET, option, m, sizeof *m) < 0 ? errno : 0;
}

/* Down is not gone: frames come again when it is up. A removed interface tells first that it is
 * down, and then nothing more. But the kernel removes it under a lock that memberships take too:
 * when one was asked for (that of all hosts, which is there anyway), the removal is over, and the
 * socket is bound to interface -1. */
static int ether_gone(struct device *d, int error) {
  struct sockaddr_ll at = { 0 };
  struct packet_mreq any = { .mr_type = PACKET_MR_MULTICAST, .mr_alen = ETH_ALEN,
                             .mr_address = { 1, 0, 0x5e, 0, 0, 1 } };
  socklen_t n = sizeof error, size = sizeof at;
  getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &n);
  if (membership(d, true, &any) == 0) membership(d, false, &any);
  if (getsockname(d->fd, (struct sockaddr *)&at, &size) < 0) return errno;
  return at.sll_ifindex == d->ifindex ? 0 : ENODEV;
}

/* Reading the statistics clears them. */
static void ether_collect(struct device *d) {
  struct tpacket_stats s = { 0 };
  socklen_t n = sizeof s;
  if (getsockopt(d->fd, SOL_PACKET, PACKET_STATISTICS, &s, &n) == 0)
    d->count[rx_lost] += s.tp_drops;
}

/* NULL, and an exception, if `this` is no ether device or closed. */
static struct device *this_ether(const struct call *c) {
  struct device *d = this_device(c);
  if (d == NULL || (d->kind == &kind_ether && !d->closed)) return d;
  throw_errno(c->env, d->what, EBADF, NULL);
  return NULL;
}

static bool is_true(const struct call *c, napi_value v) {
  bool b = false;
  napi_get_value_bool(c->env, v, &b);
  return b;
}

/* Only a change goes to the kernel, which would count each. */
static napi_value method_promiscuous(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct packet_mreq m = { .mr_type = PACKET_MR_PROMISC };
  struct device *d = this_ether(&c);
  if (d == NULL) return NULL;
  struct ether *e = d->state;
  bool on = is_true(&c, c.argv[0]);
  int error = on == e->promiscuous ? 0 : membership(d, on, &m);
  if (error == 0) error = set_filter(d->fd, on);
  if (error != 0) return throw_errno(env, d->what, error, NULL);
  e->promiscuous = on;
  return NULL;
}

static napi_value method_multicast(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct packet_mreq m = { .mr_type = PACKET_MR_MULTICAST, .mr_alen = ETH_ALEN };
  size_t n;
  const uint8_t *address = to_bytes(env, c.argv[0], &n);
  if (address == NULL || n != ETH_ALEN) return throw_text(env, "EINVAL", "rawio: bad address");
  memcpy(m.mr_address, address, n);
  struct device *d = this_ether(&c);
  int error = d == NULL ? 0 : membership(d, is_true(&c, c.argv[1]), &m);
  return error == 0 ? NULL : throw_errno(env, d->what, error, NULL);
}

static void ether_methods(napi_env env, napi_value object) {
  set_function(env, object, "promiscuous", method_promiscuous);
  set_function(env, object, "multicast", method_multicast);
}

static void ether_free(struct device *d) { free(d->state); }

const struct kind kind_ether = {
  .name = "ether",
  .needs = "CAP_NET_RAW",
  .rounds = 1,
  .open = ether_open,
  .receive = ether_receive,
  .send = ether_send,
  .gone = ether_gone,
  .collect = ether_collect,
  .free = ether_free,
  .methods = ether_methods,
};
