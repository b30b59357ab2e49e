/** The verbs of the root's ctl: bind, unbind, alias, load, unload for the
 *  daemon's owner; prefix for all. */
import type { Req } from '@9p/lib9p';
import { Eperm, refuse } from './errors.js';
import type { Loader } from './loader.js';
import { clean, type How, type Namespace } from './namespace.js';
import type { Verb } from './plugin.js';

export interface Root {
  readonly ns: Namespace;
  readonly loader: Loader;
}

export function ownerOnly(req: Req): void {
  if (!req.who.owner) throw refuse(`${Eperm}: the daemon's owner alone may`);
}

const flags: Readonly<Record<string, How>> = { '-b': 'before', '-a': 'after' };

async function bind(r: Root, args: readonly string[], req: Req): Promise<void> {
  ownerOnly(req);
  const how = flags[args[0] ?? ''];
  const [source = '', target = '', more] = how === undefined ? args : args.slice(1);
  if (target === '' || more !== undefined) throw refuse('usage: bind [-a|-b] source target');
  await r.ns.bind(source, target, how ?? 'replace', req.who);
}

export const rootVerbs: readonly Verb<Root>[] = [
  { name: 'bind', args: [2, 3], usage: 'bind [-a|-b] source target', run: bind },
  {
    name: 'unbind',
    args: [1, 2],
    usage: 'unbind [source] target',
    run(r, args, req) {
      ownerOnly(req);
      const [a = '', b] = args;
      r.ns.unbind(b === undefined ? undefined : a, b ?? a, req.who);
    },
  },
  {
    name: 'alias',
    args: [1, 2],
    usage: 'alias path [target]',
    run(r, [path = '', target], req) {
      ownerOnly(req);
      r.ns.alias(path, target);
    },
  },
  {
    name: 'prefix',
    args: [1, 1],
    usage: 'prefix path',
    run(_r, [path = ''], req) {
      const p = clean(path);
      if (p === '/') delete req.who.prefix;
      else req.who.prefix = p;
    },
  },
  {
    name: 'load',
    args: [1, 8],
    usage: 'load plugin [arg ...]',
    run(r, [name = '', ...args], req) {
      ownerOnly(req);
      return r.loader.load(name, args);
    },
  },
  {
    name: 'unload',
    args: [1, 1],
    usage: 'unload plugin',
    run(r, [name = ''], req) {
      ownerOnly(req);
      return r.loader.unload(name);
    },
  },
];
