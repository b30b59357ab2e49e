/** The way to the kernel, as the direct backend has it: /dev/fuse, mounted. */
import { io_bytes, type Replies } from './session.js';

export interface Channel extends Replies {
  /** From now on `request` is called with each request, whose bytes are its own until it
   *  returns; then `gone`, once, with the errno that ended it. */
  start(request: (b: Uint8Array, start: number, end: number) => void, gone: Gone): void;
  /** Detach the mount, if it is still there, and abort what waits. `gone` is called then. */
  end(mounted: boolean): Promise<void>;
}
export type Gone = (why: string) => void;

/** Room for a request of the largest write, and its headers. */
export const request_bytes = io_bytes + 4096;
