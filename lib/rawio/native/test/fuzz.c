/* Throws packets at cut.c, join.c and frame.c: garbage, and sound ones with a few bytes changed.
 * Built by test/unit/rawio.test.ts with -fsanitize=address,undefined, which finds what is wrong.
 *   fuzz ROUNDS SEED */
#include "../bytes.h"
#include "../checksum.h"
#include "../cut.h"
#include "../frame.h"
#include "../join.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define packets_max 40
#define super_max 20000

static uint32_t seed;

/* xorshift32 */
static uint32_t any(uint32_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed % below;
}

static void garbage(uint8_t *p, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) p[i] = (uint8_t)any(256);
}

/* Exactly n bytes, so that one more is seen. */
static uint8_t *exact(const uint8_t *from, uint32_t n) {
  uint8_t *p = malloc(n > 0 ? n : 1);
  if (n > 0) memcpy(p, from, n);
  return p;
}

/* A super-packet of a made-up flow at p; its length. The same few flows come again and again. */
static uint32_t make(struct virtio_net_hdr *h, uint8_t *p) {
  bool v4 = any(2), tcp = any(3) > 0;
  uint32_t l4 = v4 ? 20 : 40, header = tcp ? 20 + 4 * any(6) : 8, payload = 1 + any(8000);
  uint32_t n = l4 + header + payload;
  garbage(p, n);
  memset(p, 1, l4);
  p[0] = v4 ? 0x45 : 0x60;
  p[v4 ? 9 : 6] = tcp ? ipproto_tcp : ipproto_udp;
  put16(p + (v4 ? 2 : 4), v4 ? n : n - 40);
  if (v4) put16(p + 6, 0);
  put32(p + l4, any(4));
  if (tcp) {
    p[l4 + 12] = (uint8_t)(header / 4 << 4);
    p[l4 + 13] = tcp_ack | (any(2) ? tcp_psh : 0) | (any(8) ? 0 : any(256));
  }
  *h = (struct virtio_net_hdr){
    .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
    .gso_type = !tcp ? VIRTIO_NET_HDR_GSO_UDP_L4
                : v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
    .gso_size = (uint16_t)(1 + any(1480)),
    .csum_start = (uint16_t)l4,
    .csum_offset = tcp ? tcp_checksum_at : udp_checksum_at,
  };
  return n;
}

static void spoil(uint8_t *p, uint32_t n) {
  for (uint32_t k = any(4); k > 0 && n > 0; k--) p[any(n)] = (uint8_t)any(256);
}

struct pile {
  uint8_t *packet[packets_max];
  uint32_t length[packets_max], n;
  uint64_t in, out;
};

static void add(struct pile *pile, const uint8_t *p, uint32_t n) {
  if (pile->n == packets_max) return;
  pile->packet[pile->n] = exact(p, n);
  pile->length[pile->n++] = n;
  pile->in += 1;
}

static void cut_onto(struct pile *pile, const struct virtio_net_hdr *h, const uint8_t *p,
                     uint32_t n) {
  uint8_t out[1500];
  struct cut c;
  uint8_t *copy = exact(p, n);
  if (cut_begin(&c, h, copy, n)) {
    while (!cut_done(&c)) {
      uint32_t length = cut_next(&c, out, sizeof out);
      assert(length <= sizeof out);
      if (any(16) == 0) spoil(out, length);
      if (length > 0) add(pile, out, length);
    }
  } else {
    assert(cut_done(&c));
  }
  free(copy);
}

static void count(void *pile, const struct iovec *parts, int n, uint32_t packets) {
  uint64_t sum = 0;
  for (int i = 0; i < n; i++) sum += sum_bytes(parts[i].iov_base, parts[i].iov_len);
  ((struct pile *)pile)->out += packets;
  assert(sum + 1 > 0);
}

static void round_of(struct join *j) {
  static uint8_t p[super_max];
  struct pile pile = { .n = 0 };
  struct virtio_net_hdr h;
  for (int i = 0; i < 4; i++) {
    uint32_t n = make(&h, p);
    if (any(4) == 0) spoil(p, 60);
    if (any(4) == 0) spoil((uint8_t *)&h, sizeof h);
    cut_onto(&pile, &h, p, any(8) ? n : any(n + 1));
  }
  garbage(p, 100);
  add(&pile, p, any(100));
  join_begin(j, count, &pile, any(2));
  for (uint32_t i = 0; i < pile.n; i++) join_add(j, pile.packet[i], pile.length[i]);
  join_end(j);
  assert(pile.in == pile.out);
  for (uint32_t i = 0; i < pile.n; i++) {
    frame_finish(pile.packet[i], pile.length[i]);
    free(pile.packet[i]);
  }
}

int main(int argc, char **argv) {
  static struct join j;
  int rounds = argc > 1 ? atoi(argv[1]) : 1000;
  seed = argc > 2 ? (uint32_t)atoi(argv[2]) | 1 : 1;
  for (int i = 0; i < rounds; i++) round_of(&j);
  printf("%d rounds\n", rounds);
  return 0;
}
