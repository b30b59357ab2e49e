/* The virtio_net_hdr that goes before a packet on a TUN device with IFF_VNET_HDR. Older system
 * headers lack UDP segmentation (Linux 6.2), so what of it is needed is here. */
#pragma once
#include <linux/virtio_net.h>

#define vnet_bytes 10                      /* struct virtio_net_hdr, without num_buffers */

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define ipproto_tcp 6
#define ipproto_udp 17
#define tcp_checksum_at 16
#define udp_checksum_at 6
#define tcp_fin 0x01
#define tcp_psh 0x08
#define tcp_ack 0x10
#define tcp_cwr 0x80
