/** The file /iproute, open: each open has a tag of its own. */
import { utf8 } from '@9p/packet';
import {
  Control,
  type OpenFile,
  type Qid,
  type Req,
  refuse,
  type Verb,
  verbMap,
  type Wait,
} from 'slashnet/core';
import type { Routes } from './routes.js';

interface Tagged {
  readonly routes: Routes;
  tag: string;
}

function setTag(t: Tagged, tag: string): void {
  if (!/^[a-z0-9]{1,4}$/i.test(tag)) throw refuse(`bad tag: ${tag}`);
  t.tag = tag;
}

const route = 'target mask next [ifc [src smask]]';
const verbs: readonly Verb<Tagged>[] = [
  { name: 'add', args: [3, 8], usage: `add ${route}`, run: (t, a) => t.routes.add(a, t.tag) },
  ...['remove', 'del'].map((name) => ({
    name,
    args: [2, 8] as const,
    usage: `${name} ${route}`,
    run: (t: Tagged, a: readonly string[]) => t.routes.remove(a),
  })),
  { name: 'flush', args: [0, 1], usage: 'flush [tag]', run: (t, [tag]) => t.routes.flush(tag) },
  { name: 'tag', args: [1, 1], usage: 'tag t', run: (t, [tag = '']) => setTag(t, tag) },
];

export class RouteFile implements OpenFile {
  readonly qid: Qid;
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly #t: Tagged;
  readonly #control: Control<Tagged>;
  #text = new Uint8Array(0);

  constructor(qid: Qid, routes: Routes) {
    this.qid = qid;
    this.#t = { routes, tag: 'none' };
    this.#control = new Control(verbMap(verbs), this.#t);
  }

  async read(n: number, offset: number): Promise<Uint8Array> {
    if (offset === 0) this.#text = Uint8Array.from(utf8(await this.#t.routes.text()));
    return this.#text.subarray(offset, offset + n);
  }
  write(data: Uint8Array, _offset: number, req: Req): Wait<number> {
    return this.#control.write(data, req);
  }
  close(): void {}
}
