/** What a device is, in both directions. */

export type Spec =
  /** gso: super-packets are cut on read, and packets verified and joined on flush, in C. */
  | { kind: 'tun'; name?: string; gso: boolean; mtu?: number; fd?: number }
  /** Frames of one ethertype (3: of all). Own frames are left out, VLAN tags put back. */
  | { kind: 'ether'; ifname: string; type: number }
  /** Without remote (IPv4 alone) packets carry their IP header both ways; with it, neither way. */
  | { kind: 'ip'; proto: number; local?: string; remote?: string }
  /** One read(2) or write(2) a message: /dev/fuse. The device closes the descriptor. */
  | { kind: 'file'; fd: number }
  /** groups: as nl_groups of netlink(7). */
  | { kind: 'netlink'; proto: number; groups: number };

export interface ArenaSize {
  readonly slots: number;
  readonly slotBytes: number;
  /** Room kept in front of each packet received; at least 4. */
  readonly headroom: number;
  /** For packets sent that lie elsewhere. */
  readonly copyBytes: number;
}

/**
 * Memory that C and JavaScript share: slots for reception, then room for copies from copyAt on. One
 * for all packet devices (batches do not nest), one with large slots for /dev/fuse.
 */
export interface Arena {
  readonly bytes: Uint8Array;
  readonly at: Int32Array;
  readonly slotBytes: number;
  readonly copyAt: number;
}

/** All on the loop's thread, and never inside a call of ours. */
export interface Events {
  /**
   * Packet i is bytes[at[2i]..at[2i+1]], C's again when this returns. A number that it returns is
   * as a flush() of so many, at less cost; anything else is nothing.
   */
  rx(n: number, bytes: Uint8Array, at: Int32Array): unknown;
  /** Writable again after a short flush(). */
  room(): void;
  /**
   * Once, then nothing: the errno. ENODEV: the interface was removed, the file system unmounted.
   */
  gone(errno: string): void;
  /** netlink: messages were lost, for want of room; ask for everything anew. */
  lost?(): void;
}

export interface Counters {
  readonly rxpackets: number;
  /** Longer than a slot, dropped. */
  readonly rxtoobig: number;
  /** Malformed, dropped. */
  readonly rxbad: number;
  /** Dropped by the kernel because we were slow. */
  readonly rxlost: number;
  readonly txpackets: number;
  /** Refused by the kernel: too big, the interface down, its queue full. */
  readonly txdropped: number;
  /** Of txpackets, those that went as parts of a super-packet. */
  readonly txjoined: number;
}

export interface Device {
  readonly name: string;
  /** 0 where there is no interface. */
  readonly ifindex: number;
  /** start, end pairs of the packets to send, offsets into the arena. */
  readonly tx: Int32Array;
  /**
   * Sends the first n pairs of tx; how many it is done with. Fewer than n: our buffer in the kernel
   * is full, and room() will tell. What the kernel refuses is counted as txdropped; after gone or
   * close, everything.
   */
  flush(n: number): number;
  /** Reading; meanwhile the kernel's queue (fq_codel on TUN) decides what to drop. */
  pause(): void;
  resume(): void;
  /**
   * Any time, also inside rx: no event after it. The kernel takes up to 20 ms to close a TUN or
   * packet socket, so a thread does it; `done` is called when the interface is no more.
   */
  close(done?: () => void): void;
  counters(): Counters;
}

export interface EtherDevice extends Device {
  promiscuous(on: boolean): void;
  multicast(address: Uint8Array, on: boolean): void;
}

export interface FileDevice extends Device {
  /** One message: the first n bytes of header, then data. 0, or a negative errno. */
  write(header: Uint8Array, n: number, data?: Uint8Array): number;
}

export interface InterfaceInfo {
  readonly index: number;
  readonly mtu: number;
  /** IFF_ of netdevice(7): 1 up, 8 loopback, 0x40 running. */
  readonly flags: number;
  /** ARPHRD_: 1 Ethernet, 772 loopback, 65534 none (tun). */
  readonly type: number;
  readonly mac: Uint8Array;
}

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
}
