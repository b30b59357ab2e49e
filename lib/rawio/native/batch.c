#include "batch.h"
#include <errno.h>

void batch_init(struct batch *b, struct device *d) {
  for (uint32_t i = 0; i < d->budget; i++) {
    b->in_parts[i] = (struct iovec){ slot(d, i), slot_room(d) };
    b->in[i].msg_hdr = (struct msghdr){ .msg_iov = &b->in_parts[i], .msg_iovlen = 1 };
  }
  for (uint32_t i = 0; i < tx_max; i++)
    b->out[i].msg_hdr = (struct msghdr){ .msg_iov = &b->out_parts[i], .msg_iovlen = 1 };
}

void batch_from(struct batch *b) {
  for (uint32_t i = 0; i < batch_max; i++) b->in[i].msg_hdr.msg_name = &b->from[i];
  b->used = batch_max;
}

void batch_control(struct batch *b) {
  for (uint32_t i = 0; i < batch_max; i++) b->in[i].msg_hdr.msg_control = b->control[i];
  b->used = batch_max;
}

/* The kernel has written how much of it it used. */
static void ready(struct msghdr *m) {
  if (m->msg_control != NULL) m->msg_controllen = control_bytes;
  if (m->msg_name != NULL) m->msg_namelen = sizeof(struct sockaddr_storage);
}

int batch_receive(struct device *d, struct batch *b) {
  for (uint32_t i = 0; i < b->used; i++) ready(&b->in[i].msg_hdr);
  int n;
  do n = recvmmsg(d->fd, b->in, d->budget, MSG_DONTWAIT | MSG_TRUNC, NULL);
  while (n < 0 && errno == EINTR);
  b->used = n < 0 ? 0 : (uint32_t)n;
  return n < 0 ? -errno : n;
}

/* An error is that of the first packet: it is dropped (too big, no route, the queue of the
 * interface full), unless it is that our own buffer is full, which is what room() is for. */
int batch_send(struct device *d, struct batch *b, int n) {
  for (int i = 0; i < n; i++) b->out_parts[i] = (struct iovec){ tx_packet(d, i), tx_length(d, i) };
  int done = 0;
  while (done < n) {
    int r = sendmmsg(d->fd, b->out + done, (unsigned)(n - done), MSG_DONTWAIT);
    if (r < 0 && errno == EINTR) continue;
    if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (r > 0) d->count[tx_packets] += (uint64_t)r;
    else d->count[tx_dropped]++;
    done += r > 0 ? r : 1;
  }
  return done;
}
