/* Internet checksum (RFC 1071). A sum is kept in the byte order of this machine, where it can be
 * added word by word: byte order makes no difference to a one's complement sum. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The sum of n bytes, as if they began at an even place. Sums may be added: 64 bits are plenty. */
uint64_t sum_bytes(const uint8_t *p, size_t n);

/* The pseudo header of the IPv4 or IPv6 packet at ip, for a transport part of len bytes. */
uint64_t sum_pseudo(const uint8_t *ip, uint8_t proto, uint32_t len);

uint16_t sum_fold(uint64_t sum);              /* to 16 bits, not complemented */
void sum_store(uint8_t *at, uint64_t sum);    /* the complement: what a header carries */
void sum_store_partial(uint8_t *at, uint64_t pseudo);  /* what a NEEDS_CSUM header carries */

/* The same for UDP too, where a checksum of 0 would say that there is none (RFC 768). */
void sum_store_l4(uint8_t *at, uint64_t sum, bool udp);
/* The checksum field of a TCP or UDP part of n bytes holds the pseudo header's sum: finishes it. */
void sum_finish(uint8_t *l4, uint32_t n, uint32_t field, bool udp);

/* A sum that includes the checksum itself comes to this when nothing is broken. */
static inline bool sum_good(uint64_t sum) { return sum_fold(sum) == 0xffff; }

/* Writes the header checksum of the IPv4 header at ip. */
void sum_ipv4_header(uint8_t *ip);
