#include "frame.h"
#include "bytes.h"
#include "checksum.h"
#include "vnet.h"
#include <linux/if_ether.h>

uint8_t *frame_tag(uint8_t *frame, uint16_t tpid, uint16_t tci) {
  memmove(frame - 4, frame, 2 * ETH_ALEN);
  put16(frame + 8, tpid);
  put16(frame + 10, tci);
  return frame - 4;
}

/* The transport part of total - header bytes, if it is all there. */
static void finish_l4(uint8_t *ip, uint32_t header, uint32_t total, uint8_t proto) {
  uint32_t field = proto == ipproto_tcp ? tcp_checksum_at : udp_checksum_at;
  if (proto != ipproto_tcp && proto != ipproto_udp) return;
  if (total < header + field + 2) return;
  sum_finish(ip + header, total - header, field, proto == ipproto_udp);
}

void frame_finish(uint8_t *frame, uint32_t n) {
  uint8_t *ip = frame + ETH_HLEN;
  if (n < ETH_HLEN + 20) return;
  uint32_t room = n - ETH_HLEN;
  uint16_t type = get16(frame + 2 * ETH_ALEN);
  if (type == ETH_P_IP && ip[0] >> 4 == 4 && (ip[0] & 15) >= 5 && get16(ip + 2) <= room)
    finish_l4(ip, (uint32_t)(ip[0] & 15) * 4, get16(ip + 2), ip[9]);
  if (type == ETH_P_IPV6 && ip[0] >> 4 == 6 && 40u + get16(ip + 4) <= room)
    finish_l4(ip, 40, 40u + get16(ip + 4), ip[6]);
}
