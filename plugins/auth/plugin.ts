/** auth: factotum(4) as a layer. docs/auth.md says what its files are. */
import type { Env, Layer, Plugin } from 'slashnet/core';
import { KeyAgent } from './agent.js';
import { attrs_max } from './attr.js';
import { AuthConversation, AuthData, RpcFile } from './files.js';
import { protocols } from './proto/table.js';

const conversations_max = 1024;

function layerOf(agent: KeyAgent): Layer<AuthConversation> {
  return {
    name: 'auth',
    limit: conversations_max,
    about: 'keys, and the protocols that prove with them who one is; factotum(4)',
    stats: agent.stats,
    verbs: [
      {
        name: 'start',
        args: [1, attrs_max],
        usage: 'start proto=name role=client|server [attr=value ...]',
        secret: true,
        run: (c, args, req) => c.start(args, req),
      },
    ],
    files: [{ name: 'data', perm: 0o660, secret: true, open: (c) => new AuthData(c) }],
    rootFiles: [
      {
        name: 'ctl',
        perm: 0o644,
        secret: true,
        text: () => agent.ring.toString(),
        write: (_c, data, req) => agent.control(data, req.who),
      },
      {
        name: 'err',
        perm: 0o444,
        text: () => (agent.err === '' ? '' : `${agent.err}\n`),
      },
      {
        name: 'rpc',
        perm: 0o666,
        secret: true,
        open: (_c, _mode, req) => new RpcFile(agent, req.who),
      },
      { name: 'proto', perm: 0o444, text: () => protocols.map((p) => `${p.name}\n`).join('') },
      {
        name: 'needkey',
        perm: 0o600,
        open: (_c, _mode, req) => agent.needkey.openFile(req.who),
      },
      {
        name: 'confirm',
        perm: 0o600,
        open: (_c, _mode, req) => agent.confirm.openFile(req.who),
      },
      { name: 'log', perm: 0o400, stream: (_c, q, req) => agent.readLog(q, req.who) },
    ],
    create: (ctx) => new AuthConversation(agent, ctx),
  };
}

const auth: Plugin = {
  name: 'auth',
  start(env: Env) {
    const agent = new KeyAgent(env);
    const served = env.serve(layerOf(agent));
    return {
      async stop(why) {
        await served.remove(why);
        agent.close();
      },
    };
  },
};
export default auth;
