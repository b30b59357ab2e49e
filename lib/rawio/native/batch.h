/* recvmmsg and sendmmsg, for the kinds that are sockets. */
#pragma once
#include "device.h"
#include <netinet/in.h>
#include <sys/socket.h>

#define control_bytes 64  /* for one cmsg: struct tpacket_auxdata */

struct batch {
  uint32_t used;          /* messages of the last receive: their lengths are to be set again */
  struct mmsghdr in[batch_max], out[tx_max];
  struct iovec in_parts[batch_max], out_parts[tx_max];
  struct sockaddr_storage from[batch_max];
  struct sockaddr_in to[tx_max];
  uint8_t control[batch_max][control_bytes] __attribute__((aligned(8)));
};

void batch_init(struct batch *b, struct device *d);  /* b is all zero */

/* Asks for the sender of each message, or for what is told besides: both take time. */
void batch_from(struct batch *b);
void batch_control(struct batch *b);

/* Message i into slot i; its length, more than the slot has room for where it was cut off, is
 * in[i].msg_len. How many, or -errno. */
int batch_receive(struct device *d, struct batch *b);

/* The n packets of tx, each as msg_name (if set) says; as send of struct kind. */
int batch_send(struct device *d, struct batch *b, int n);
