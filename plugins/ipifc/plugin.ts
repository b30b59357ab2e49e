/** ip(3) on Linux: interfaces on TUN devices, iproute and ndb. docs/ipifc.md */
import { linkType } from '@9p/packet';
import { counters, type Env, type Layer, type Plugin, type Running } from 'slashnet/core';
import { Ipifc } from './conversation.js';
import { Host } from './host.js';
import { Memory } from './memory.js';
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
    const c = new Ipifc(ctx, host);
    all.add(c);
    return c;
  },
});

function start(env: Env): Running {
  const host = new Host(env);
  const all = new Set<Ipifc>();
  const served = env.serve(layerOf(host, all));
  return {
    async stop(why) {
      await served.remove(why);
      host.close();
    },
  };
}

const plugin: Plugin = { name: 'ipifc', start };
export default plugin;
