/** Trees of other machines in our name space: `mount tcp!host!564 /n/host`. One whose connection
 *  is lost comes back by itself when it is next walked into. */
import {
  type DialOptions,
  dial,
  Mount,
  type Prove,
  parseAddress,
  type Req,
  reconnecting,
  split,
} from '@9p/lib9p';
import {
  type Clock,
  clean,
  errorText,
  isPrivateValue,
  type Namespace,
  ownerOnly,
  quote,
  refuse,
  type Verb,
  words,
} from 'slashnet/core';
import { type Ask, proveBy } from './factotum.js';
import { remoteTree } from './remote.js';

export const imports_max = 64;

/** The trees that a daemon has imported. */
export class Imports {
  readonly #ns: Namespace;
  readonly #instance: string;
  readonly #uname: string;
  readonly #all = new Map<string, { m: Mount; remove(): void }>();

  /** Throws where a unix path is not to be dialled. */
  readonly #check: (path: string) => Promise<void>;
  readonly #clock: Clock;
  readonly #how: DialOptions;
  readonly #agent: () => Promise<{ ask: Ask; close(): void }>;
  #count = 0;

  constructor(
    ns: Namespace,
    instance: string,
    uname: string,
    check: (path: string) => Promise<void>,
    clock: Clock,
    agent: () => Promise<{ ask: Ask; close(): void }>,
    how: DialOptions = {},
  ) {
    this.#agent = agent;
    this.#clock = clock;
    this.#how = how;
    this.#check = check;
    this.#ns = ns;
    this.#instance = instance;
    this.#uname = uname;
  }

  /** `spec`: attributes of the key to prove with; undefined: nothing is proven. */
  async mount(
    address: string,
    target: string,
    aname: string,
    spec: string | undefined,
    req: Req,
  ): Promise<void> {
    const at = clean(target);
    if (!at.startsWith('/n/') || split(at).length !== 2)
      throw refuse(`'${target}': imported trees are mounted at /n/NAME`);
    if (this.#all.has(at)) throw refuse(`${at} is in use`);
    if (this.#all.size >= imports_max) throw refuse(`too many mounts: limit ${imports_max}`);
    const at9p = parseAddress(address);
    if ('path' in at9p) await this.#check(at9p.path);
    const dialled = (signal: AbortSignal) => this.#dial(address, aname, spec, signal);
    const m = await reconnecting(dialled, this.#clock, req).catch((e) => {
      const why = errorText(e);
      throw why.includes(address) ? e : refuse(`${address}: ${why}`);
    });
    try {
      const node = await remoteTree(m, { salt: this.#salt() }).attach(req.who, '');
      if (this.#all.has(at)) throw refuse(`${at} is in use`);
      const tree = aname === '' ? '' : ` ${quote(aname)}`;
      const proof = spec === undefined ? '' : spec === '' ? '-a ' : `-k ${quote(spec)} `;
      const line = `mount ${proof}${quote(address)} ${quote(at)}${tree}`;
      const graft = this.#ns.graft(node, at, line);
      this.#all.set(at, { m, remove: graft.remove });
    } catch (e) {
      m.close();
      throw e;
    }
  }

  /** Another for each mount of each daemon, since one may import the imports of another. */
  #salt(): bigint {
    const ours = Number.parseInt(this.#instance.slice(0, 6), 16);
    return BigInt((ours + ++this.#count) & 0xffffff) << 40n;
  }

  /** Not ourselves. */
  async #dial(
    address: string,
    aname: string,
    spec: string | undefined,
    signal: AbortSignal,
  ): Promise<Mount> {
    // Who proves himself by a key is its user.
    const uname =
      words(spec ?? '')
        .find((w) => w.startsWith('user='))
        ?.slice(5) ?? this.#uname;
    const prove = spec === undefined ? undefined : proveBy(this.#agent, spec);
    const m = await dial(address, { ...this.#how, uname, aname, signal, prove });
    const late = (): void => m.close();
    signal.addEventListener('abort', late);
    try {
      if (await this.#isOurs(m, uname, aname, prove))
        throw refuse(`${address} is this daemon itself`);
      return m;
    } catch (e) {
      m.close();
      throw e;
    } finally {
      signal.removeEventListener('abort', late);
    }
  }

  /** By the version in the root, whatever subtree is mounted. */
  async #isOurs(m: Mount, uname: string, aname: string, prove?: Prove): Promise<boolean> {
    try {
      const root = aname === '' ? m.root : await m.client.attach(uname, '', undefined, prove);
      const version = await new Mount(root).readText('/version');
      if (root !== m.root) root.drop();
      return version.includes(this.#instance);
    } catch {
      return false; // no slashnet
    }
  }

  unmount(target: string): void {
    const at = clean(target);
    const i = this.#all.get(at);
    if (i === undefined) throw refuse(`${target} is not a mount`);
    this.#all.delete(at);
    i.remove();
    i.m.close();
  }

  stop(): void {
    for (const at of [...this.#all.keys()]) this.unmount(at);
  }
}

export const importVerbs = (imports: () => Imports): readonly Verb<unknown>[] => [
  {
    name: 'mount',
    args: [2, 5],
    usage: 'mount [-a] [-k keyspec] address /n/NAME [aname]',
    run(_r, args, req) {
      ownerOnly(req);
      const spec = args[0] === '-a' ? '' : args[0] === '-k' ? args[1] : undefined;
      const rest = args.slice(args[0] === '-a' ? 1 : args[0] === '-k' ? 2 : 0);
      const [address = '', target = '', aname = '', more] = rest;
      if (target === '' || more !== undefined)
        throw refuse('usage: mount [-a] [-k keyspec] address /n/NAME [aname]');
      if (spec !== undefined && words(spec).some(isPrivateValue))
        throw refuse('a keyspec has no private values: the key is for /auth/ctl');
      return imports().mount(address, target, aname, spec, req);
    },
  },
  {
    name: 'unmount',
    args: [1, 1],
    usage: 'unmount /n/NAME',
    run(_r, [target = ''], req) {
      ownerOnly(req);
      imports().unmount(target);
    },
  },
];
