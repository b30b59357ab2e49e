/** Streams of Node as carriers of a connection's bytes. */
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Wire } from './server.js';

/** What a stream tells the connection on it. */
export interface End {
  receive(bytes: Uint8Array): void;
  hangup(why: string): void;
}

/** Who does not read this much will not read the rest. */
const linger_bytes = 1024 * 1024;
const nothing = new Uint8Array(0);

/** What the connection tells the stream. */
export function wireOf(input: Readable, output: Writable, drained: () => void): Wire {
  // A plain socket has written what it does not count as queued. Other streams
  // may pass a buffer on as it is.
  const plain = output.constructor === Socket;
  // Told by an empty write behind the others, since `drain` comes only after
  // more than the high-water mark.
  const flushed = (): void => {
    if (output.writableLength === 0) drained();
  };
  return {
    write(bytes) {
      output.write(plain ? bytes : new Uint8Array(bytes));
      if (output.writableLength === 0) return true;
      output.write(nothing, flushed);
      return false;
    },
    pause: () => void input.pause(),
    resume: () => void input.resume(),
    end() {
      if (output.writableLength > linger_bytes) return void input.destroy();
      output.once('finish', () => input.destroy());
      output.end();
    },
  };
}

/** Events of the stream go to the connection; the last one is `hangup`, once. */
export function attach(input: Readable, output: Writable, end: End): void {
  let why = 'connection closed';
  const failed = (e: Error): void => {
    why = e.message;
    input.destroy();
  };
  input.on('error', failed);
  if (output !== (input as unknown)) output.on('error', failed);
  input.on('data', (bytes: Uint8Array) => end.receive(bytes));
  input.once('end', () => end.hangup(why));
  input.once('close', () => end.hangup(why));
}
