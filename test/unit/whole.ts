/** A daemon whole, in memory: every layer that needs no device, with conversations that are bound,
 *  and a 9P server of its tree. */
import { Server } from '@9p/lib9p';
import type { SystemOptions } from 'slashnet/core';
import { Files } from '../kit/index.js';

const plugins = new URL('../../plugins', import.meta.url).pathname;

export interface Whole {
  readonly f: Files;
  readonly server: Server;
  /** What was thrown that is no refusal. */
  readonly faults: string[];
}

/** loop/0 is a wire between ppp/0 and ppp/1, on which ipifc/0 and ipifc/1 stand. `owner`: who
 *  attaches, but as nobody, is the daemon's owner, and could make TUN devices as root. */
export async function whole(owner: boolean, o: Partial<SystemOptions> = {}): Promise<Whole> {
  const f = new Files({ plugins: [plugins], owner: 'glenda', ...o });
  const faults: string[] = [];
  for (const p of ['auth', 'loop', 'ppp', 'pppoe', 'ipifc', 'skeleton'])
    await f.system.control(`load ${p}`);
  for (const layer of ['auth', 'loop', 'ppp', 'ppp', 'pppoe', 'ipifc', 'ipifc', 'skeleton'])
    await f.clone(`/${layer}`);
  for (const [i, data] of ['data', 'data1'].entries()) {
    await f.write(`/ppp/${i}/ctl`, `net none\nbind /net/loop/0/${data}`);
    await f.write(`/ipifc/${i}/ctl`, `device memory\nbind /net/ppp/${i}/data`);
    await f.write(`/ipifc/${i}/ctl`, `add 10.0.0.${1 + i} 255.255.255.255 10.0.0.${2 - i}`);
  }
  await f.write('/auth/ctl', 'key proto=pass service=ppp user=glenda !password=hidden');
  const server = new Server(f.system.tree, {
    who: (uname) => ({ uname, groups: [], owner: owner && uname !== 'nobody' }),
    turn: (work) => f.system.turn.run(work),
    fault: (e) => faults.push(e instanceof Error ? `${e.stack}` : String(e)),
  });
  return { f, server, faults };
}
