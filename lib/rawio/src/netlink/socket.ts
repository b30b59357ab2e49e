/** A netlink socket of the kernel's routing tables, as a client of it. */
import { type Arena, arena, type Device, open } from '../index.js';
import { NetlinkClient } from './client.js';
import type { Message } from './message.js';

export interface NetlinkOptions {
  /** Bits of rtnlgrp. */
  readonly groups: number;
  after(ms: number, f: () => void): { stop(): void };
  event(m: Message): void;
  /** Events were lost for want of room: ask for everything anew. */
  lost?(): void;
}

export interface NetlinkSocket {
  readonly client: NetlinkClient;
  close(): void;
}

const netlinkRoute = 0;
/** The kernel makes a dump's datagrams as large as the largest read, up to 32 KiB. */
const slot_bytes = 33 * 1024;
const slots = 8;
const request_bytes = 64 * 1024;

let memory: Arena | undefined;

/** Throws with the reason in words where rawio is not built. */
export function openNetlink(o: NetlinkOptions): NetlinkSocket {
  memory ??= arena({ slots, slotBytes: slot_bytes, headroom: 64, copyBytes: request_bytes });
  const { bytes, copyAt } = memory;
  const client: NetlinkClient = new NetlinkClient({
    send: (datagram) => {
      bytes.set(datagram, copyAt);
      device.tx[0] = copyAt;
      device.tx[1] = copyAt + datagram.length;
      if (device.flush(1) < 1) throw new Error('netlink: no buffer space');
    },
    after: o.after,
    event: o.event,
    count() {},
  });
  const device: Device = open(
    { kind: 'netlink', proto: netlinkRoute, groups: o.groups },
    memory,
    slots,
    {
      rx(n, b, at) {
        for (let i = 0; i < n; i++) client.receive(b.slice(at[2 * i], at[2 * i + 1]));
      },
      room() {},
      gone: (errno) => client.close(`netlink: ${errno}`),
      lost: () => o.lost?.(),
    },
  );
  return {
    client,
    close() {
      client.close('netlink was closed');
      device.close();
    },
  };
}
