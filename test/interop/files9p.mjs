// A file server over lib9p for the scenarios: files9p.mjs SOCKET. A file of 4 MiB made by a rule,
// small files, a directory that may be written to.
import { listen, memTree, Server } from '@9p/lib9p';

const big = new Uint8Array(4 * 1024 * 1024);
for (let i = 0, x = 1; i < big.length; i++) {
  x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
  big[i] = x >>> 24;
}
const tree = memTree(
  { big, hello: 'hello, world\n', dir: { a: 'a\n', b: 'b\n', deep: { c: 'c\n' } } },
  { writable: true, owner: 'root' },
);
await listen(new Server(tree), { path: process.argv[2] });
