#include "cut.h"
#include "bytes.h"
#include "checksum.h"

/* What is not cut: all of it is one part. */
static bool begin_whole(struct cut *c, const struct virtio_net_hdr *h) {
  if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) return true;
  c->l4 = h->csum_start;
  c->checksum = h->csum_offset;
  c->proto = c->checksum == udp_checksum_at ? ipproto_udp : ipproto_tcp;
  return c->l4 < c->length && c->checksum + 2 <= c->length - c->l4;
}

/* The length of the TCP or UDP header, 0 if it is not all there. */
static uint32_t l4_header(const struct cut *c) {
  uint32_t there = c->length - c->l4;
  if (c->proto == ipproto_udp) return there < 8 ? 0 : 8;
  if (there < 20) return 0;
  uint32_t n = (uint32_t)(c->packet[c->l4 + 12] >> 4) * 4;
  return n < 20 || n > there ? 0 : n;
}

static bool ip_header_fits(const struct cut *c) {
  if (c->packet[0] >> 4 == 6) return c->l4 >= 40;
  uint32_t n = (uint32_t)(c->packet[0] & 15) * 4;
  return c->packet[0] >> 4 == 4 && n >= 20 && n == c->l4;
}

static bool begin_parts(struct cut *c, const struct virtio_net_hdr *h) {
  uint8_t type = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
  c->proto = type == VIRTIO_NET_HDR_GSO_UDP_L4 ? ipproto_udp : ipproto_tcp;
  c->checksum = c->proto == ipproto_udp ? udp_checksum_at : tcp_checksum_at;
  c->l4 = h->csum_start;
  c->size = h->gso_size;
  bool known = type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6 ||
               type == VIRTIO_NET_HDR_GSO_UDP_L4;
  if (!known || c->size == 0 || c->l4 >= c->length || !ip_header_fits(c)) return false;
  uint32_t n = l4_header(c);
  c->headers = c->at = c->l4 + n;
  return n > 0 && c->at < c->length;
}

bool cut_begin(struct cut *c, const struct virtio_net_hdr *h, const uint8_t *packet, uint32_t n) {
  *c = (struct cut){ .packet = packet, .length = n };
  bool sound = n > 0 && n <= 0xffff + 40 &&
               (h->gso_type == VIRTIO_NET_HDR_GSO_NONE ? begin_whole(c, h) : begin_parts(c, h));
  if (!sound) c->at = c->length;
  return sound;
}

static uint32_t whole(struct cut *c, uint8_t *out) {
  memcpy(out, c->packet, c->length);
  if (c->checksum != 0)
    sum_finish(out + c->l4, c->length - c->l4, c->checksum, c->proto == ipproto_udp);
  return c->length;
}

static void edit_ip(const struct cut *c, uint8_t *ip, uint32_t total) {
  if (ip[0] >> 4 == 6) {
    put16(ip + 4, total - 40);
    return;
  }
  put16(ip + 2, total);
  put16(ip + 4, get16(ip + 4) + c->count);
  sum_ipv4_header(ip);
}

/* FIN and PSH belong to the last part, CWR to the first (RFC 3168 section 6.1.2). */
static void edit_tcp(const struct cut *c, uint8_t *tcp, bool last) {
  put32(tcp + 4, get32(tcp + 4) + c->at - c->headers);
  if (!last) tcp[13] &= (uint8_t)~(tcp_fin | tcp_psh);
  if (c->count > 0) tcp[13] &= (uint8_t)~tcp_cwr;
}

static void edit_l4(const struct cut *c, uint8_t *ip, uint32_t total, bool last) {
  uint8_t *l4 = ip + c->l4;
  uint32_t n = total - c->l4;
  if (c->proto == ipproto_tcp) edit_tcp(c, l4, last);
  else put16(l4 + 4, n);
  put16(l4 + c->checksum, 0);
  uint64_t sum = sum_pseudo(ip, c->proto, n) + sum_bytes(l4, n);
  sum_store_l4(l4 + c->checksum, sum, c->proto == ipproto_udp);
}

uint32_t cut_next(struct cut *c, uint8_t *out, uint32_t room) {
  uint32_t left = c->length - c->at;
  uint32_t payload = c->size == 0 || left < c->size ? left : c->size;
  uint32_t total = c->headers + payload;
  if (total > room) {
    c->at = c->length;
    return 0;
  }
  if (c->size == 0) {
    c->at = c->length;
    return whole(c, out);
  }
  memcpy(out, c->packet, c->headers);
  memcpy(out + c->headers, c->packet + c->at, payload);
  edit_ip(c, out, total);
  edit_l4(c, out, total, payload == left);
  c->at += payload;
  c->count++;
  return total;
}
