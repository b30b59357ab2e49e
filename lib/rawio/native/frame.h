/* What is to be put right of an Ethernet frame that the kernel has not finished. */
#pragma once
#include <stdint.h>

/* Puts a VLAN tag back that the kernel took out: the frame then begins 4 bytes before. */
uint8_t *frame_tag(uint8_t *frame, uint16_t tpid, uint16_t tci);

/* Finishes the checksum of a packet of this host's own, which came over veth and so never met the
 * hardware that would do it. TCP and UDP directly in IP; anything else stays as it is. */
void frame_finish(uint8_t *frame, uint32_t n);
