/** /dev/fuse without the addon: reads in the thread pool, and mount(8) and umount(8) for the
 *  system calls. A third of the speed, and root only; the same server stands behind it. */
import { close, open, read, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { refuse } from 'slashnet/core';
import { type MountRequest, subtype } from './backend.js';
import { type Channel, type Gone, request_bytes } from './channel.js';
import { run } from './system.js';

type Place = Pick<MountRequest, 'dir' | 'source'>;

export async function mountPlain({ dir, source }: Place, options: string): Promise<Channel> {
  const fd = await promisify(open)('/dev/fuse', 'r+').catch((e: Error) => {
    throw refuse(e.message);
  });
  const ids = `user_id=${process.getuid?.()},group_id=${process.getgid?.()}`;
  const all = `fd=3,rootmode=40000,${ids},nosuid,nodev,${options}`;
  try {
    await run('mount', ['-i', '-t', `fuse.${subtype}`, '-o', all, '--', source, dir], fd);
  } catch (e) {
    close(fd);
    throw e;
  }
  return new PlainChannel(fd, dir);
}

class PlainChannel implements Channel {
  readonly bytes = new Uint8Array(request_bytes);
  readonly #in = new Uint8Array(request_bytes);
  readonly #fd: number;
  readonly #dir: string;

  constructor(fd: number, dir: string) {
    this.#fd = fd;
    this.#dir = dir;
  }

  /** One read at a time: requests come in order, an INTERRUPT after what it interrupts. */
  start(request: (b: Uint8Array, start: number, end: number) => void, gone: Gone): void {
    read(this.#fd, this.#in, 0, this.#in.length, null, (e, n) => {
      const again = e?.code === 'ENOENT' || e?.code === 'EINTR' || e?.code === 'EAGAIN';
      if (e !== null && !again) {
        close(this.#fd);
        return gone(e.code ?? e.message);
      }
      if (e === null) request(this.#in, 0, n);
      this.start(request, gone);
    });
  }

  take(): number {
    return 0;
  }
  /** ENOENT: the caller has gone meanwhile; ENODEV: the mount has. */
  send(start: number, end: number): void {
    try {
      writeSync(this.#fd, this.bytes, start, end - start);
    } catch (e) {
      const { code } = e as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENODEV') throw e;
    }
  }
  /** Forced, as the read in the thread pool holds the device open: it
   *  returns when the mount is aborted. */
  async end(mounted: boolean): Promise<void> {
    if (mounted) await run('umount', ['-i', '-c', '-f', '-l', this.#dir]);
  }
}
