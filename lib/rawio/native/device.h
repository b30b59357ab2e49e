/* A device: a descriptor watched by the event loop, a batch at a time in both directions. What
 * differs between TUN, AF_PACKET and the rest is a `struct kind`; device.c and loop.c are what they
 * share. */
#pragma once
#include "arena.h"
#include <net/if.h>
#include <uv.h>

#define tx_max 512        /* packets of one flush */
#define batch_max 256     /* packets of one rx */

/* What is counted; their names in device.c. */
enum counter {
  rx_packets, rx_toobig, rx_bad, rx_lost,
  tx_packets, tx_dropped, tx_joined,
  counters
};

struct device;

struct kind {
  const char *name;
  const char *needs;      /* the capability that opening it asks for */
  int rounds;             /* batches read at one wake-up, if they are there */
  bool together;          /* they share a callback scope: promises settle after the last */
  /* Sets fd, and name where it is not spec.name. 0 or an errno; what it was about in `what`. */
  int (*open)(struct device *d, napi_value spec);
  /* Reads up to `budget` packets into slots; how many, or -errno (-EAGAIN: none there). */
  int (*receive)(struct device *d);
  /* Sends n pairs of tx; how many it is done with: sent, or dropped and counted. Fewer: full. */
  int (*send)(struct device *d, int n);
  /* After a failed read, or (error 0) a fault in poll(2): the errno if the device is gone. */
  int (*gone)(struct device *d, int error);
  bool (*pending)(struct device *d);       /* packets read that did not fit the batch, or NULL */
  void (*collect)(struct device *d);       /* brings counters up to date, or NULL */
  void (*free)(struct device *d);          /* what `state` refers to, or NULL */
  void (*methods)(napi_env env, napi_value object);  /* those that only this kind has, or NULL */
};

struct device {
  const struct kind *kind;
  void *state;
  int fd;
  bool given;                              /* fd is from JavaScript, whose it stays if open fails */
  int ifindex;
  char name[64];
  char what[96];                           /* for error texts: "ether eth1" */

  struct block *bytes, *at_block, *tx_block;
  int32_t *at, *tx;
  uint32_t slots, slot_bytes, headroom, budget;

  napi_env env;
  napi_ref self, arena_bytes, arena_at, on, rx, done;  /* done: close's callback */
  napi_async_cleanup_hook_handle cleanup;
  napi_async_context context;              /* of the shared scope */
  uv_poll_t poll;
  uv_fs_t close_request;
  int armed;                               /* the events asked for */
  bool paused, waiting, closed, over;      /* waiting: for room; over: gone was told */
  bool scoped;                             /* within the shared scope */
  uint64_t count[counters];
};

napi_value device_open(napi_env env, napi_callback_info info);
bool device_given(struct device *d, napi_value spec);  /* takes spec.fd, if there is one */
struct device *this_device(const struct call *c);  /* NULL, and an exception, if it is none */

void device_watch(struct device *d);   /* from now on there are events */
void device_arm(struct device *d);     /* after a change of what is waited for */
/* Sends n pairs of tx; how many it is done with. A mistake of the caller's is `error`. */
int device_send(struct device *d, int64_t n, const char **error);
void device_close(struct device *d);   /* any time, also inside rx */
void device_let_go(struct device *d);  /* of all that it refers to */

extern const struct kind kind_tun, kind_ether, kind_ip, kind_file, kind_netlink;

static inline uint8_t *slot(struct device *d, uint32_t i) {
  return d->bytes->bytes + (size_t)i * d->slot_bytes + d->headroom;
}
static inline uint32_t slot_room(const struct device *d) { return d->slot_bytes - d->headroom; }

/* Packet i of the batch lies at p, n bytes long. */
static inline void put_at(struct device *d, uint32_t i, const uint8_t *p, uint32_t n) {
  d->at[2 * i] = (int32_t)(p - d->bytes->bytes);
  d->at[2 * i + 1] = d->at[2 * i] + (int32_t)n;
}

/* Packet i of tx; flush() has looked that it lies within the arena. */
static inline uint8_t *tx_packet(const struct device *d, int i) {
  return d->bytes->bytes + d->tx[2 * i];
}
static inline uint32_t tx_length(const struct device *d, int i) {
  return (uint32_t)(d->tx[2 * i + 1] - d->tx[2 * i]);
}
