/** A process that mounts the little tree: `node host.js DIR [OPTIONS as JSON]`. It
 *  prints `mounted`, takes `unmount`, `event TEXT`, `replace`, `state` and, with the
 *  option `count`, `counts` on its input, and prints `gone WHY` at the end. */
import { createInterface } from 'node:readline';
import { mountFuse } from '../../srv/fuse/mount.js';
import { MemDir, memTree, TextNode } from './tree.js';

const [dir = '', options = '{}'] = process.argv.slice(2);
const mem = memTree();
const counts: Record<string, number> = {};
function count(line: string): void {
  const [op = ''] = line.split(' ');
  const name = op === 'lookup' ? `lookup ${/name "(.*)"/.exec(line)?.[1]}` : op;
  counts[name] = (counts[name] ?? 0) + 1;
}
try {
  const { count: counted, ...o } = JSON.parse(options);
  const mount = await mountFuse(mem, dir, {
    ...o,
    ...(counted ? { trace: count } : {}),
    bug: (e) => console.log(`bug ${e}`),
  });
  console.log(`mounted ${mount.backend}`);
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [verb, rest = ''] = line.split(/ (.*)/);
    if (verb === 'unmount') void mount.unmount();
    else if (verb === 'counts') console.log(`counts ${JSON.stringify(counts)}`);
    else if (verb === 'event') mem.event.put(`${rest}\n`);
    else if (verb === 'replace') {
      const ppp = mem.root.files.get('ppp') as MemDir;
      for (const f of mem.conversation.files.values()) if (f instanceof TextNode) f.gone = true;
      ppp.add(new MemDir('0', [new TextNode('status', () => `${rest}\n`)]));
      console.log('replaced');
    } else if (verb === 'state') {
      const inodes = /inodes: (\d+)/.exec(mount.stats())?.[1];
      console.log(`state ${mount.waiting} ${mem.event.readers.size} ${inodes}`);
    }
  });
  console.log(`gone ${await mount.gone}`);
  process.exit(0);
} catch (e) {
  console.log(`failed ${e instanceof Error ? e.message : e}`);
  process.exit(1);
}
