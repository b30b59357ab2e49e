#include "join.h"
#include "bytes.h"
#include "checksum.h"

#define total_max 0xffff
#define df 0x4000

enum verdict { unknown, lone, joinable };

static bool is_v4(const struct segment *s) { return s->ip[0] >> 4 == 4; }

static uint32_t payload_of(const struct segment *s) { return s->length - s->headers; }

/* IPv4 without options, not a fragment, and exactly as long as it says. */
static bool parse_v4(struct segment *s) {
  const uint8_t *ip = s->ip;
  if (s->length < 20) return false;
  s->l4 = 20;
  s->proto = ip[9];
  return ip[0] == 0x45 && get16(ip + 2) == s->length && !(get16(ip + 6) & ~df) &&
         sum_good(sum_bytes(ip, 20));
}

/* IPv6 without extension headers. */
static bool parse_v6(struct segment *s) {
  if (s->length < 40) return false;
  s->l4 = 40;
  s->proto = s->ip[6];
  return get16(s->ip + 4) == s->length - 40;
}

static bool checksum_good(const struct segment *s) {
  uint32_t n = s->length - s->l4;
  return sum_good(sum_pseudo(s->ip, s->proto, n) + sum_bytes(s->ip + s->l4, n));
}

/* Only ACK or ACK and PSH, no reserved bit: everything else means something by itself. */
static enum verdict judge_tcp(struct segment *s) {
  const uint8_t *tcp = s->ip + s->l4;
  if (s->length < s->l4 + 20) return unknown;
  s->headers = s->l4 + (uint32_t)(tcp[12] >> 4) * 4;
  bool plain = tcp[12] >> 4 >= 5 && !(tcp[12] & 15) && (tcp[13] & ~tcp_psh) == tcp_ack &&
               s->headers < s->length;
  return plain && checksum_good(s) ? joinable : lone;
}

static enum verdict judge_udp(const struct join *j, struct segment *s) {
  const uint8_t *udp = s->ip + s->l4;
  if (s->length < s->l4 + 8) return unknown;
  s->headers = s->l4 + 8;
  bool plain = j->udp && s->headers < s->length && get16(udp + 4) == s->length - s->l4 &&
               get16(udp + udp_checksum_at) != 0;
  return plain && checksum_good(s) ? joinable : lone;
}

/* unknown: we cannot tell the flow. lone: we can, but the packet goes as it is. */
static enum verdict judge(const struct join *j, struct segment *s) {
  if (s->length == 0 || s->length > total_max) return unknown;
  uint8_t version = s->ip[0] >> 4;
  if (!(version == 4 ? parse_v4(s) : version == 6 && parse_v6(s))) return unknown;
  if (s->proto == ipproto_tcp) return judge_tcp(s);
  if (s->proto == ipproto_udp) return judge_udp(j, s);
  return version == 4 ? lone : unknown;  /* an IPv6 extension header may hide any flow */
}

static bool same(const struct segment *a, const struct segment *b, uint32_t at, uint32_t n) {
  return memcmp(a->ip + at, b->ip + at, n) == 0;
}

static bool same_flow(const struct segment *a, const struct segment *b) {
  if (a->proto != b->proto || a->ip[0] >> 4 != b->ip[0] >> 4) return false;
  return same(a, b, a->l4, 4) && (is_v4(a) ? same(a, b, 12, 8) : same(a, b, 8, 32));
}

/* Traffic class, TTL and DF alike, and the id what cutting would make of it. */
static bool same_ip(const struct flow *f, const struct segment *s) {
  const struct segment *a = &f->first;
  if (!is_v4(a)) return same(a, s, 0, 4) && same(a, s, 7, 1);
  bool id = get16(s->ip + 6) & df || get16(s->ip + 4) == (uint16_t)(get16(a->ip + 4) + f->count);
  return id && same(a, s, 1, 1) && same(a, s, 6, 3);
}

/* Sequence, acknowledgement, window and options: as if sent in one. PSH was looked at before. */
static bool same_tcp(const struct flow *f, const struct segment *s) {
  const struct segment *a = &f->first;
  uint32_t sent = f->total - a->headers;
  return get32(s->ip + s->l4 + 4) == get32(a->ip + a->l4 + 4) + sent &&
         same(a, s, a->l4 + 8, 5) && same(a, s, a->l4 + 14, 2) &&
         same(a, s, a->l4 + 18, a->headers - a->l4 - 18);
}

static bool follows(const struct flow *f, const struct segment *s) {
  uint32_t payload = payload_of(s);
  return !f->closed && f->count < join_parts && payload <= f->size &&
         f->total + payload <= total_max && s->headers == f->first.headers && same_ip(f, s) &&
         (s->proto == ipproto_udp || same_tcp(f, s));
}

static bool pushed(const struct segment *s) {
  return s->proto == ipproto_tcp && s->ip[s->l4 + 13] & tcp_psh;
}

static void start(struct flow *f, const struct segment *s) {
  f->first = *s;
  f->count = 1;
  f->size = payload_of(s);
  f->total = s->length;
  f->closed = pushed(s);
  f->parts[1] = (struct iovec){ s->ip, s->length };
}

static void append(struct flow *f, const struct segment *s) {
  uint32_t payload = payload_of(s);
  f->parts[++f->count] = (struct iovec){ s->ip + s->headers, payload };
  f->total += payload;
  f->closed = payload < f->size || pushed(s);
  if (pushed(s)) f->first.ip[s->l4 + 13] |= tcp_psh;
}

static uint8_t gso_type(const struct segment *s) {
  if (s->proto == ipproto_udp) return VIRTIO_NET_HDR_GSO_UDP_L4;
  return is_v4(s) ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
}

/* Lengths of the whole in the headers of the first; the checksum is left to whoever cuts it. */
static void edit_headers(struct flow *f) {
  struct segment *s = &f->first;
  uint32_t n = f->total - s->l4;
  uint32_t checksum = s->proto == ipproto_tcp ? tcp_checksum_at : udp_checksum_at;
  if (is_v4(s)) {
    put16(s->ip + 2, f->total);
    sum_ipv4_header(s->ip);
  } else {
    put16(s->ip + 4, n);
  }
  if (s->proto == ipproto_udp) put16(s->ip + s->l4 + 4, n);
  sum_store_partial(s->ip + s->l4 + checksum, sum_pseudo(s->ip, s->proto, n));
  f->vnet = (struct virtio_net_hdr){
    .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
    .gso_type = gso_type(s),
    .hdr_len = (uint16_t)s->headers,
    .gso_size = (uint16_t)f->size,
    .csum_start = (uint16_t)s->l4,
    .csum_offset = (uint16_t)checksum,
  };
}

static void write_flow(struct join *j, struct flow *f) {
  uint32_t count = f->count;
  f->vnet = (struct virtio_net_hdr){ 0 };
  if (count > 1) edit_headers(f);
  f->parts[0] = (struct iovec){ &f->vnet, vnet_bytes };
  f->count = 0;
  j->write(j->arg, f->parts, (int)count + 1, count);
}

static void write_lone(struct join *j, const struct segment *s) {
  struct virtio_net_hdr none = { 0 };
  struct iovec parts[2] = { { &none, vnet_bytes }, { s->ip, s->length } };
  j->write(j->arg, parts, 2, 1);
}

static struct flow *find(struct join *j, const struct segment *s) {
  for (struct flow *f = j->flows; f < j->flows + join_flows; f++)
    if (f->count > 0 && same_flow(&f->first, s)) return f;
  return NULL;
}

static struct flow *vacant(struct join *j) {
  for (struct flow *f = j->flows; f < j->flows + join_flows; f++)
    if (f->count == 0) return f;
  struct flow *f = &j->flows[j->evict++ % join_flows];
  write_flow(j, f);
  return f;
}

void join_begin(struct join *j, join_write *write, void *arg, bool udp) {
  j->write = write;
  j->arg = arg;
  j->udp = udp;
  for (struct flow *f = j->flows; f < j->flows + join_flows; f++) f->count = 0;
}

void join_end(struct join *j) {
  for (struct flow *f = j->flows; f < j->flows + join_flows; f++)
    if (f->count > 0) write_flow(j, f);
}

void join_add(struct join *j, uint8_t *packet, uint32_t n) {
  struct segment s = { .ip = packet, .length = n };
  enum verdict v = judge(j, &s);
  if (v == unknown) {
    join_end(j);
    write_lone(j, &s);
    return;
  }
  struct flow *f = find(j, &s);
  if (f != NULL && v == joinable && follows(f, &s)) {
    append(f, &s);
    return;
  }
  if (f != NULL) write_flow(j, f);
  if (v == joinable) start(f != NULL ? f : vacant(j), &s);
  else write_lone(j, &s);
}
