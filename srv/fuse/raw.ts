/** /dev/fuse through rawio: the loop polls the descriptor, one
 *  read(2) and one write(2) a message. */
import { closeSync, constants, openSync } from 'node:fs';
import { arena, type FileDevice, fusermount, mount, open, unmount } from '@9p/rawio';
import { errorText, refuse } from 'slashnet/core';
import { type MountRequest, subtype } from './backend.js';
import { type Channel, type Gone, request_bytes } from './channel.js';

/** Mount on `dir`: with mount(2), or through fusermount3(1) for who may not. */
export function mountRaw(m: Pick<MountRequest, 'dir' | 'source'>, options: string): Channel {
  const { dir, source } = m;
  try {
    if (process.getuid?.() !== 0)
      return new RawChannel(fusermount(dir, options, subtype, source), dir);
    const fd = openSync('/dev/fuse', constants.O_RDWR | constants.O_NONBLOCK);
    try {
      mount(fd, dir, options, subtype, source);
    } catch (e) {
      closeSync(fd);
      throw e;
    }
    return new RawChannel(fd, dir);
  } catch (e) {
    throw refuse(errorText(e));
  }
}

class RawChannel implements Channel {
  readonly bytes: Uint8Array;
  readonly #arena = arena({
    slots: 1,
    slotBytes: request_bytes + 64,
    headroom: 64,
    copyBytes: request_bytes,
  });
  readonly #fd: number;
  readonly #dir: string;
  #device: FileDevice | undefined;
  #gone: Gone = () => {};
  /** In a request's own call: its reply goes out when that returns. */
  #inside = false;
  #held = 0;

  constructor(fd: number, dir: string) {
    this.bytes = this.#arena.bytes;
    this.#fd = fd;
    this.#dir = dir;
  }

  start(request: (b: Uint8Array, start: number, end: number) => void, gone: Gone): void {
    this.#gone = gone;
    this.#device = open({ kind: 'file', fd: this.#fd }, this.#arena, 1, {
      rx: (_n, bytes, at) => this.#answer(() => request(bytes, at[0] ?? 0, at[1] ?? 0)),
      room: () => {},
      gone: (errno) => this.#close(errno),
    });
  }
  /** Closing the descriptor is what aborts requests that wait. */
  #close(why: string): void {
    const device = this.#device;
    this.#device = undefined;
    device?.close(() => this.#gone(why));
  }

  /** How many messages are left to send. */
  #answer(work: () => void): number {
    this.#inside = true;
    try {
      work();
    } catch (e) {
      this.#flush();
      throw e;
    } finally {
      this.#inside = false;
    }
    const held = this.#held;
    this.#held = 0;
    return held;
  }

  take(_n: number): number {
    this.#flush();
    return this.#arena.copyAt;
  }
  /** At once: the caller waits for it. The kernel refuses it only if the caller has gone. */
  send(start: number, end: number): void {
    const device = this.#device;
    if (device === undefined) return;
    device.tx[0] = start;
    device.tx[1] = end;
    this.#held = 1;
    if (!this.#inside) this.#flush();
  }
  #flush(): void {
    if (this.#held === 0) return;
    this.#held = 0;
    this.#device?.flush(1);
  }
  async end(mounted: boolean): Promise<void> {
    try {
      if (mounted) unmount(this.#dir, true);
    } finally {
      this.#close('unmounted');
    }
  }
}
