/* Joining: packets of one TCP flow that follow one another become one super-packet, which the
 * kernel takes in a single write. Cutting it again gives the packets that were joined (but for the
 * IPv4 id where DF says that it means nothing, RFC 6864). Whatever is odd in any way goes alone, as
 * it is, and in its place in its flow; different flows may overtake one another. */
#pragma once
#include "vnet.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define join_flows 8     /* collected side by side */
#define join_parts 64    /* packets of one super-packet */

/* A packet that may be joined, looked at once. */
struct segment {
  uint8_t *ip;
  uint32_t length, l4, headers;  /* headers: up to the payload */
  uint8_t proto;
};

/* One super-packet in the making. The headers of its first packet become its own. */
struct flow {
  struct segment first;
  uint32_t count;                /* 0: not in use */
  uint32_t size, total;          /* payload of each but the last; bytes in all */
  bool closed;                   /* a short or pushed packet ends it */
  struct virtio_net_hdr vnet;
  struct iovec parts[1 + join_parts];
};

/* Writes one packet, header first; `packets` is how many it was made of. */
typedef void join_write(void *arg, const struct iovec *parts, int count, uint32_t packets);

struct join {
  join_write *write;
  void *arg;
  bool udp;                      /* the device takes UDP super-packets too */
  uint32_t evict;                /* the flow that makes room when all are in use */
  struct flow flows[join_flows];
};

void join_begin(struct join *j, join_write *write, void *arg, bool udp);
void join_add(struct join *j, uint8_t *packet, uint32_t n);  /* headers may be edited in place */
void join_end(struct join *j);                               /* writes what is left */
