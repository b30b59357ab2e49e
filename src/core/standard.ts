/** The verbs and files that every conversation has; DESIGN's table and no other. */
import { type Node, type OpenFile, omode, type Qid, type Req, type Wait } from '@9p/lib9p';
import { usageOf, verbMap } from './control.js';
import type { Slot } from './conv.js';
import { Eperm, refuse } from './errors.js';
import { defNode, FileNode, type NodeOptions, TextFile, textNode } from './files.js';
import type { Chan } from './namespace.js';
import type { Conversation, FileDef, Layer, Traffic, Verb } from './plugin.js';
import type { Port } from './port.js';

const redials_max = 1_000_000;

export const standardVerbs: readonly Verb<Slot>[] = [
  {
    name: 'bind',
    args: [1, 1],
    usage: 'bind path',
    run: (s, [path = ''], req) => s.bind(path, req),
  },
  {
    name: 'unbind',
    args: [0, 0],
    usage: 'unbind',
    aborts: true,
    run: (s) => s.unbind('unbound by ctl'),
  },
  {
    name: 'connect',
    args: [0, 8],
    usage: 'connect [addr]',
    run: (s, args, req) => s.connect(args, req),
  },
  {
    name: 'hangup',
    args: [0, 0],
    usage: 'hangup',
    aborts: true,
    run: (s, _args, req) => s.hangup('hung up by ctl', req),
  },
  {
    name: 'close',
    args: [0, 0],
    usage: 'close',
    aborts: true,
    run: (s) => s.hangupAndClose('closed by ctl', true),
  },
  { name: 'keep', args: [0, 0], usage: 'keep', run: (s) => void (s.kept = true) },
  { name: 'nokeep', args: [0, 0], usage: 'nokeep', run: (s) => void (s.kept = false) },
  { name: 'redial', args: [1, 1], usage: 'redial tries', run: (s, [n = '']) => redial(s, n) },
];

function redial(s: Slot, n: string): void {
  if (!/^\d+$/.test(n) || Number(n) > redials_max) throw refuse(`bad number of tries '${n}'`);
  s.redial.tries = Number(n);
}

const announceVerb: Verb<Slot> = {
  name: 'announce',
  args: [0, 8],
  usage: 'announce [addr]',
  run: (s, args, req) => s.announce(args, req),
};

/** The layer's own verbs over the standard ones, on slots. */
export function verbsOf(layer: Layer): readonly Verb<Slot>[] {
  const own = layer.verbs.map(
    (v): Verb<Slot> => ({ ...v, run: (s, args, req) => v.run(s.c, args, req) }),
  );
  const names = new Set(own.map((v) => v.name));
  const standard = layer.calls === true ? [...standardVerbs, announceVerb] : standardVerbs;
  return [...standard.filter((v) => !names.has(v.name)), ...own];
}

export function helpOf(layer: Layer): string {
  const calls = layer.calls === true ? ['listen'] : [];
  const files = [...standardFiles, ...calls, ...(layer.files ?? []).map((f) => f.name)];
  const roots = ['clone', 'stats', 'help', ...(layer.rootFiles ?? []).map((f) => f.name)];
  return [
    `${layer.name}: ${layer.about}`,
    `files of /${layer.name}: ${roots.join(' ')}`,
    `files of /${layer.name}/N: ${[...new Set(files)].join(' ')}`,
    `verbs of /${layer.name}/N/ctl:`,
    usageOf(verbsOf(layer)),
  ].join('\n');
}

const standardFiles = ['ctl', 'data', 'status', 'stats', 'local', 'remote', 'err', 'event', 'log'];
standardFiles.push('pcap', 'help');

function statsOf(s: Slot): string {
  const t = s.c.traffic?.() ?? trafficOf(s.c.upper);
  const traffic =
    t === undefined
      ? ''
      : `txpackets: ${t.txpackets}\ntxbytes: ${t.txbytes}\n` +
        `rxpackets: ${t.rxpackets}\nrxbytes: ${t.rxbytes}\n`;
  return traffic + s.stats.toString();
}

const trafficOf = (upper: Port | undefined): Traffic | undefined =>
  upper && {
    txpackets: upper.sent,
    txbytes: upper.sentBytes,
    rxpackets: upper.delivered,
    rxbytes: upper.deliveredBytes,
  };

/** A file whose opens keep an unkept conversation alive. */
class Holding implements OpenFile {
  readonly qid: Qid;
  readonly stream: boolean;
  readonly #s: Slot;
  readonly #file: OpenFile;
  readonly node?: Node;
  #open = true;
  constructor(s: Slot, file: OpenFile, node?: Node) {
    this.#s = s;
    this.#file = file;
    this.qid = file.qid;
    this.stream = file.stream === true;
    if (node !== undefined) this.node = node;
    s.hold();
  }
  get ready(): boolean {
    return this.#file.ready;
  }
  get onready(): (() => void) | undefined {
    return this.#file.onready;
  }
  set onready(f: (() => void) | undefined) {
    this.#file.onready = f;
  }
  read(n: number, offset: number, req: Req): Wait<Uint8Array> {
    return this.#file.read(n, offset, req);
  }
  write(data: Uint8Array, offset: number, req: Req): Wait<number> {
    return this.#file.write(data, offset, req);
  }
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#file.close();
    this.#s.release();
  }
}

/** A layer's own `data` counts as the standard one does. */
function holdingData<C>(s: Slot, def: FileDef<C>): FileDef<C> {
  if (def.name !== 'data' || !('open' in def)) return def;
  const hold = (f: OpenFile): OpenFile => new Holding(s, f);
  return {
    ...def,
    open: (c: C, mode: number, req: Req, qid: Qid) => {
      const f = def.open(c, mode, req, qid);
      return f instanceof Promise ? f.then(hold) : hold(f);
    },
  };
}

class CtlFile extends TextFile {
  readonly #s: Slot;
  constructor(s: Slot, qid: Qid) {
    super(qid, () => String(s.id));
    this.#s = s;
  }
  override write(data: Uint8Array, _offset: number, req: Req): Wait<number> {
    return this.#s.writeCtl(data, req);
  }
}

/** The ctl file, open: by its own name, or through clone or listen. */
export const openCtl = (s: Slot, qid: Qid, node?: Node): OpenFile =>
  new Holding(s, new CtlFile(s, qid), node);

/** A data file: opened as a file, or what `bind` joins to. */
class DataNode extends FileNode {
  readonly #s: Slot;
  readonly #port: Port | undefined;
  constructor(s: Slot, name: string, perm: number, port: Port | undefined) {
    super({ name, perm, owner: () => s.owner.uname }, (_mode, req, qid) =>
      s.openData(port ?? refuseData(s), qid, req),
    );
    this.#s = s;
    this.#port = port;
  }
  /** The port, for who would rather join than read. The rights are those of an open for both. */
  channel(req: Req): Chan {
    const port = this.#port ?? refuseData(this.#s);
    if (!this.allowed(omode.rdwr, req)) throw refuse(Eperm);
    this.#s.touched = true;
    return portChan(port, this.qid);
  }
}

function refuseData(s: Slot): never {
  throw refuse(`${s.name}/data carries no packets`);
}

/** A port as a channel that cannot be read or written as a file. */
export function portChan(port: Port, qid: Qid): Chan {
  const no = (): never => {
    throw refuse(`${port.name} is to be joined`);
  };
  return { port, qid, ready: false, onready: undefined, read: no, write: no, close() {} };
}

/** What all conversations of a layer share. */
export interface Kind {
  readonly verbs: ReadonlyMap<string, Verb<Slot>>;
  /** How to make each file of a conversation, in the order of a listing. */
  readonly files: ReadonlyMap<string, (s: Slot) => Node>;
}

export const kindOf = (layer: Layer): Kind => ({
  verbs: verbMap(verbsOf(layer)),
  files: conversationFiles(layer),
});

const options = (s: Slot, name: string, perm: number): NodeOptions => ({
  name,
  perm,
  owner: () => s.owner.uname,
});
const line = (t: string): string => (t === '' || t.endsWith('\n') ? t : `${t}\n`);

function conversationFiles(layer: Layer): Kind['files'] {
  const files = new Map<string, (s: Slot) => Node>();
  const text = (name: string, make: (s: Slot) => string): void =>
    void files.set(name, (s) => textNode(options(s, name, 0o444), () => make(s)));
  const tap = (name: string, open: (s: Slot, qid: Qid) => OpenFile): void =>
    void files.set(
      name,
      (s) => new FileNode(options(s, name, 0o440), (_m, _r, qid) => open(s, qid)),
    );
  files.set('ctl', ctlNode);
  files.set('data', (s) => new DataNode(s, 'data', 0o660, s.c.upper));
  text('status', ({ c }) => line(`${c.state} ${c.status()}`.trimEnd()));
  text('stats', statsOf);
  text('local', ({ c }) => line(c.local?.() ?? ''));
  text('remote', ({ c }) => line(c.remote?.() ?? ''));
  files.set('err', errNode);
  tap('event', (s, qid) => s.taps.openEvent(qid));
  tap('log', (s, qid) => s.taps.openLog(qid));
  tap('pcap', (s, qid) => s.taps.openPcap(qid));
  text('help', () => helpOf(layer));
  if (layer.calls === true) files.set('listen', listenNode);
  for (const def of layer.files ?? []) files.set(def.name, (s) => ownNode(s, def));
  return files;
}

function ctlNode(s: Slot): Node {
  const o = { ...options(s, 'ctl', 0o660), length: () => String(s.id).length };
  return new FileNode(o, (_m, _r, qid) => openCtl(s, qid), true);
}
function errNode(s: Slot): Node {
  const o = { ...options(s, 'err', 0o444), length: () => Buffer.byteLength(line(s.err)) };
  return new FileNode(o, (_m, _r, qid) => new Holding(s, new TextFile(qid, () => line(s.err))));
}
const listenNode = (s: Slot): Node =>
  new FileNode(options(s, 'listen', 0o660), (_m, req) => s.listen(req), true);

const ownNode = (s: Slot, def: FileDef<Conversation>): Node =>
  'port' in def
    ? new DataNode(s, def.name, def.perm, def.port(s.c))
    : defNode(holdingData(s, def), s.c, () => s.owner.uname);
