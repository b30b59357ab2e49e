/* Cutting: a TSO or USO super-packet, as a TUN device hands it over, becomes the packets that it
 * stands for, with their checksums. A plain packet goes through whole, its checksum completed. */
#pragma once
#include "vnet.h"
#include <stdbool.h>
#include <stdint.h>

/* A packet on its way through the knife. It refers to the bytes given to cut_begin. */
struct cut {
  const uint8_t *packet;
  uint32_t length;   /* of all of it */
  uint32_t at;       /* how far it is cut; at length there is nothing left */
  uint32_t l4;       /* where the TCP or UDP header begins */
  uint32_t headers;  /* bytes that each part repeats */
  uint32_t size;     /* payload of a part; 0: not to be cut */
  uint32_t count;    /* parts made so far */
  uint32_t checksum; /* its place from l4 on; with size 0, 0: nothing to complete */
  uint8_t proto;
};

/* False if header and packet do not agree: it is to be dropped. */
bool cut_begin(struct cut *c, const struct virtio_net_hdr *h, const uint8_t *packet, uint32_t n);

static inline bool cut_done(const struct cut *c) { return c->at >= c->length; }

/* The next part into `out`; its length, or 0 if it has no room there (and then nothing is left). */
uint32_t cut_next(struct cut *c, uint8_t *out, uint32_t room);
