/** Files of secrets are read whole, to a buffer that can be wiped. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { refuse } from './errors.js';

/** A regular file of at most `bytes_max`. `check` sees what was opened, whatever has that name by
 *  now, and throws what is wrong with it. The caller wipes the result. */
export async function readRegular(
  path: string,
  bytes_max: number,
  check: (is: Stats) => void,
): Promise<Uint8Array> {
  // A FIFO without a writer would hold the open, and with it the end of the process.
  const f = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const is = await f.stat();
    if (!is.isFile()) throw refuse(`${path}: not a regular file`);
    check(is);
    if (is.size > bytes_max) throw refuse(`${path}: over ${bytes_max} bytes`);
    return await readAll(f, is.size);
  } finally {
    await f.close();
  }
}

async function readAll(f: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await f.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}
