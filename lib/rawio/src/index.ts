/**
 * TUN, AF_PACKET, raw IP, netlink and /dev/fuse on the event loop, a batch at a time: the native
 * boundary. Nothing here or in C knows a protocol above IP and TCP's checksum.
 */
import { native } from './native.js';
import type {
  Arena,
  ArenaSize,
  Credentials,
  Device,
  EtherDevice,
  Events,
  FileDevice,
  InterfaceInfo,
  Spec,
} from './types.js';

export { missing } from './native.js';
export { received } from './packets.js';
export { Outbox, Sender } from './sender.js';
export type * from './types.js';

/** Throws 'rawio: bad arena size' beyond 65536 slots or 256 MiB. */
export const arena = (size: ArenaSize): Arena => native().arena(size);

/**
 * Opens a device that reads at most `budget` packets a batch (0: as many as there are slots, up to
 * 256). Throws with the reason in words, and `code`: 'ether eth1: operation not permitted: need
 * CAP_NET_RAW: ..'.
 */
export function open(
  spec: Extract<Spec, { kind: 'ether' }>,
  arena: Arena,
  budget: number,
  on: Events,
): EtherDevice;
export function open(
  spec: Extract<Spec, { kind: 'file' }>,
  arena: Arena,
  budget: number,
  on: Events,
): FileDevice;
export function open(spec: Spec, arena: Arena, budget: number, on: Events): Device;
export function open(spec: Spec, arena: Arena, budget: number, on: Events): Device {
  return native().open(spec, arena, budget, on);
}

/** Throws 'interface eth9: no such device'. */
export const ifinfo = (name: string): InterfaceInfo => native().ifinfo(name);

/** In the order of their index. */
export const ifnames = (): string[] => native().ifnames();

/**
 * Mounts an open /dev/fuse on a directory; `options` as fuse(4)'s,
 * "allow_other,default_permissions". mount(8) shows `source`, and `fuse.name` as the type.
 */
export function mount(
  fd: number,
  dir: string,
  options: string,
  name = 'slashnet',
  source = name,
): void {
  native().mount(fd, dir, options, name, source);
}

/** lazy: MNT_DETACH. Without the privilege it asks fusermount3. */
export const unmount = (dir: string, lazy: boolean): void => native().unmount(dir, lazy);

/** Mounts without privilege; the descriptor of /dev/fuse, which is the caller's to close. */
export function fusermount(dir: string, options: string, name = 'slashnet', source = name): number {
  const fsname = source.replace(/[\\,]/g, '\\$&');
  const all = [`fsname=${fsname}`, `subtype=${name}`, options].filter((o) => o !== '');
  return native().fusermount(dir, all.join(','));
}

/** Who has connected to a unix socket, or made it: SO_PEERCRED of unix(7). */
export const peercred = (fd: number): Credentials => native().peercred(fd);

/** SO_TYPE of socket(7): 1 stream, 2 datagram, 5 SEQPACKET; 0 of what is no socket. */
export const socktype = (fd: number): number => native().socktype(fd);

/**
 * Cutting and joining as pure functions, for tests; each super-packet has its virtio_net_hdr in
 * front.
 */
export const pure = {
  cut: (bytes: Uint8Array, room = 2048): Uint8Array[] => native().cut(bytes, room),
  join: (packets: readonly Uint8Array[], udp: boolean): Uint8Array[] => native().join(packets, udp),
};
