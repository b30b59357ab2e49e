#include "checksum.h"
#include "bytes.h"
#include <arpa/inet.h>

/* Plain enough for the compiler to make vector code of it: see -O3 in install.mjs. */
static uint64_t sum_words(const uint8_t *p, size_t words) {
  uint64_t sum = 0;
  for (size_t i = 0; i < words; i++) {
    uint32_t word;
    memcpy(&word, p + 4 * i, 4);
    sum += word;
  }
  return sum;
}

uint64_t sum_bytes(const uint8_t *p, size_t n) {
  uint32_t tail = 0;
  memcpy(&tail, p + (n & ~(size_t)3), n & 3);
  return sum_words(p, n / 4) + tail;
}

uint64_t sum_pseudo(const uint8_t *ip, uint8_t proto, uint32_t len) {
  uint64_t addresses = ip[0] >> 4 == 4 ? sum_bytes(ip + 12, 8) : sum_bytes(ip + 8, 32);
  return addresses + htons(proto) + htonl(len);
}

uint16_t sum_fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

static void store(uint8_t *at, uint16_t v) { memcpy(at, &v, sizeof v); }

void sum_store(uint8_t *at, uint64_t sum) { store(at, (uint16_t)~sum_fold(sum)); }

void sum_store_partial(uint8_t *at, uint64_t pseudo) { store(at, sum_fold(pseudo)); }

void sum_store_l4(uint8_t *at, uint64_t sum, bool udp) {
  sum_store(at, sum);
  if (udp && get16(at) == 0) put16(at, 0xffff);
}

void sum_finish(uint8_t *l4, uint32_t n, uint32_t field, bool udp) {
  sum_store_l4(l4 + field, sum_bytes(l4, n), udp);
}

void sum_ipv4_header(uint8_t *ip) {
  put16(ip + 10, 0);
  sum_store(ip + 10, sum_bytes(ip, (size_t)(ip[0] & 15) * 4));
}
