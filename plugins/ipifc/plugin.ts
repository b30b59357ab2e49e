/** ip(3) on Linux: interfaces on TUN devices, iproute and ndb. docs/ipifc.md */
import { linkType } from '@9p/packet';
import {
  counters,
  type Env,
  errorText,
  type Layer,
  type Plugin,
  type Running,
  runtimeDirectory,
} from 'slashnet/core';
import { Ipifc } from './conversation.js';
import { Host } from './host.js';
import { RouteFile } from './iproute.js';
import { Journal } from './journal.js';
import { Memory } from './memory.js';
import { Ndb } from './ndb.js';
import { type Own, Routes } from './routes.js';
import { verbs } from './verbs.js';

const interfaces_max = 4096;

const layerOf = (host: Host, all: Set<Ipifc>): Layer<Ipifc> => ({
  name: 'ipifc',
  limit: interfaces_max,
  about: 'IP interfaces of this host',
  verbs,
  stats: counters(),
  linkType: linkType.raw,
  files: [
    { name: 'status', perm: 0o444, text: (c) => c.status() },
    { name: 'peers', perm: 0o444, text: (c) => c.pool?.toString() ?? '' },
    {
      name: 'ping',
      perm: 0o444,
      text: (c) => (c.medium instanceof Memory ? c.medium.results() : ''),
    },
  ],
  create(ctx) {
    const c: Ipifc = new Ipifc(ctx, host, () => all.delete(c));
    all.add(c);
    return c;
  },
});

const ownOf = (c: Ipifc): Own => ({
  id: c.ctx.id,
  ifindex: c.medium?.ifindex ?? 0,
  locals: c.addresses.map((a) => a.local),
  remotes: c.addresses.flatMap((a) => a.remote ?? []),
});

async function start(env: Env): Promise<Running> {
  const host = new Host(env, new Journal(runtimeDirectory, 'proxies'));
  const all = new Set<Ipifc>();
  const own = (): Own[] => [...all].filter((c) => c.medium !== undefined).map(ownOf);
  const routes = new Routes(host, own, new Journal(runtimeDirectory));
  await recover(env, 'routes', () => routes.recover());
  await recover(env, 'proxies', () => host.proxies.recover());
  host.ongone = (ifindex) => routes.forget(ifindex);
  const ndb = new Ndb();
  const served = env.serve(layerOf(host, all));
  const files = [
    env.file({
      name: 'iproute',
      perm: 0o664,
      open: (_c, _mode, _req, qid) => new RouteFile(qid, routes),
    }),
    env.file({
      name: 'ndb',
      perm: 0o664,
      open: (_c, mode, _req, qid) => ndb.open(mode, qid),
      length: () => Buffer.byteLength(ndb.text),
    }),
  ];
  return {
    async stop(why) {
      for (const f of files) f.remove();
      await routes.flush().catch((e) => env.log(`iproute: ${errorText(e)}`));
      await host.proxies.flush().catch((e) => env.log(`ipifc: ${errorText(e)}`));
      await served.remove(why);
      host.close();
    },
  };
}

/** Without rawio there is nothing that could be taken back, and
 *  nothing that could have been made. */
async function recover(env: Env, what: string, take: () => Promise<number>): Promise<void> {
  try {
    const n = await take();
    if (n > 0) env.log(`iproute: ${n} ${what} of a daemon that was killed taken back`);
  } catch (e) {
    env.log(`iproute: ${what} of a daemon that was killed: ${errorText(e)}`);
  }
}

const plugin: Plugin = { name: 'ipifc', start };
export default plugin;
