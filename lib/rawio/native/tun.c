/* A TUN device: IP packets of this host, tun(4). With segmentation the kernel hands over packets of
 * up to 64 KiB, and takes such: far less work for it and for us than one call for each. */
#include "cut.h"
#include "device.h"
#include "join.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* One more than the longest, to see that one is longer. */
#define super_bytes (vnet_bytes + 0xffff + 40 + 1)

struct tun {
  bool gso;
  struct cut cut;
  struct join join;
  union {
    struct virtio_net_hdr vnet;
    uint8_t bytes[super_bytes];
  } super;
};

/* Opening ------------------------------------------------------------------------------------ */

/* Asks for all that join.c and cut.c can do; true if UDP is in it (Linux 6.2). */
static int set_offload(int fd, bool *udp) {
  unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  int size = vnet_bytes;
  if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0) return errno;
  *udp = ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
  return *udp || ioctl(fd, TUNSETOFFLOAD, tcp) == 0 ? 0 : errno;
}

static int set_mtu(const char *name, int mtu) {
  struct ifreq r = { .ifr_mtu = mtu };
  memcpy(r.ifr_name, name, IFNAMSIZ);
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (s < 0) return errno;
  int error = ioctl(s, SIOCSIFMTU, &r) < 0 ? errno : 0;
  close(s);
  return error;
}

/* A new interface, or one that exists and lasts (ip tuntap add). */
static int attach(struct device *d, bool gso) {
  struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI | (gso ? IFF_VNET_HDR : 0) };
  if (strlen(d->name) >= IFNAMSIZ) return EINVAL;
  memcpy(r.ifr_name, d->name, strlen(d->name));
  d->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (d->fd < 0) return errno == ENOENT ? ENODEV : errno;
  return ioctl(d->fd, TUNSETIFF, &r) < 0 ? errno : 0;
}

/* What the descriptor is, whether it is our own or came from elsewhere. */
static int look(struct device *d, struct tun *t) {
  struct ifreq r = { 0 };
  if (ioctl(d->fd, TUNGETIFF, &r) < 0) return errno;
  if (!(r.ifr_flags & IFF_TUN) || !(r.ifr_flags & IFF_NO_PI)) return EINVAL;
  t->gso = r.ifr_flags & IFF_VNET_HDR;
  memcpy(d->name, r.ifr_name, IFNAMSIZ);
  d->name[IFNAMSIZ - 1] = 0;
  d->ifindex = (int)if_nametoindex(d->name);
  return fcntl(d->fd, F_SETFL, O_NONBLOCK) < 0 ? errno : 0;
}

static int tun_open(struct device *d, napi_value spec) {
  bool named = prop_text(d->env, spec, "name", d->name, sizeof d->name);
  int mtu = (int)prop_int(d->env, spec, "mtu", 0);
  bool gso = false, udp = false;
  snprintf(d->what, sizeof d->what, "%s", named && d->name[0] != 0 ? d->name : "tun");
  napi_get_value_bool(d->env, prop(d->env, spec, "gso"), &gso);
  struct tun *t = d->state = calloc(1, sizeof *t);
  if (t == NULL) return ENOMEM;
  int error = device_given(d, spec) ? 0 : attach(d, gso);
  if (error == 0) error = look(d, t);
  if (error == 0 && t->gso) error = set_offload(d->fd, &udp);
  if (error == 0 && mtu > 0) error = set_mtu(d->name, mtu);
  t->join.udp = udp;
  return error;
}

/* Reading ------------------------------------------------------------------------------------ */

/* A read that fills the buffer was cut off by it: the kernel does not say so itself. */
static int read_plain(struct device *d) {
  uint32_t n = 0, room = slot_room(d);
  while (n < d->budget) {
    ssize_t r = read(d->fd, slot(d, n), room);
    if (r < 0) return n > 0 ? (int)n : -errno;
    if (r >= (ssize_t)room) d->count[rx_toobig]++;
    else put_at(d, n, slot(d, n), (uint32_t)r), n++;
  }
  return (int)n;
}

/* Reads what is to be cut next; 0 or -errno. What is not sound is counted, and nothing is left. */
static int read_super(struct device *d, struct tun *t) {
  ssize_t r = read(d->fd, t->super.bytes, super_bytes);
  if (r < 0) return -errno;
  if (r == super_bytes || r < vnet_bytes) r = vnet_bytes;
  if (!cut_begin(&t->cut, &t->super.vnet, t->super.bytes + vnet_bytes, (uint32_t)r - vnet_bytes))
    d->count[rx_bad]++;
  return 0;
}

/* As many parts as the batch has slots for; the packets in it then. */
static uint32_t cut_into_slots(struct device *d, struct cut *c, uint32_t n) {
  while (n < d->budget && !cut_done(c)) {
    uint32_t length = cut_next(c, slot(d, n), slot_room(d));
    if (length == 0) d->count[rx_toobig]++;
    else put_at(d, n, slot(d, n), length), n++;
  }
  return n;
}

/* A batch ends with a super-packet, so that what it becomes leaves in one go. */
static int read_parts(struct device *d, struct tun *t) {
  uint32_t n = 0;
  while (n < d->budget) {
    int error = cut_done(&t->cut) ? read_super(d, t) : 0;
    if (error != 0) return n > 0 ? (int)n : error;
    n = cut_into_slots(d, &t->cut, n);
    if (t->cut.size > 0) break;
  }
  return (int)n;
}

static int tun_receive(struct device *d) {
  struct tun *t = d->state;
  return t->gso ? read_parts(d, t) : read_plain(d);
}

static bool tun_pending(struct device *d) {
  struct tun *t = d->state;
  return !cut_done(&t->cut);
}

/* Writing ------------------------------------------------------------------------------------ */

/* The kernel queues nothing here: it takes a packet or refuses it (EIO: the interface is down). */
static void write_parts(void *arg, const struct iovec *parts, int count, uint32_t packets) {
  struct device *d = arg;
  if (writev(d->fd, parts, count) < 0) {
    d->count[tx_dropped] += packets;
    return;
  }
  d->count[tx_packets] += packets;
  if (packets > 1) d->count[tx_joined] += packets;
}

static void write_plain(struct device *d, uint8_t *packet, uint32_t n) {
  struct iovec part = { packet, n };
  write_parts(d, &part, 1, 1);
}

static int tun_send(struct device *d, int n) {
  struct tun *t = d->state;
  join_begin(&t->join, write_parts, d, t->join.udp);
  for (int i = 0; i < n; i++) {
    if (t->gso) join_add(&t->join, tx_packet(d, i), tx_length(d, i));
    else write_plain(d, tx_packet(d, i), tx_length(d, i));
  }
  join_end(&t->join);
  return n;
}

/* The rest ----------------------------------------------------------------------------------- */

/* Once the interface is removed the descriptor is attached to nothing. */
static int tun_gone(struct device *d, int error) {
  struct ifreq r = { 0 };
  (void)error;
  return ioctl(d->fd, TUNGETIFF, &r) < 0 ? ENODEV : 0;
}

static void tun_free(struct device *d) { free(d->state); }

const struct kind kind_tun = {
  .name = "tun",
  .needs = "CAP_NET_ADMIN",
  .rounds = 4,
  .open = tun_open,
  .receive = tun_receive,
  .send = tun_send,
  .gone = tun_gone,
  .pending = tun_pending,
  .free = tun_free,
};
