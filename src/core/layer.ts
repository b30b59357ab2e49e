/** A layer's directory: clone, stats, help and the numbered conversations. */
import type { Node, OpenFile, Qid, Req, Who } from '@9p/lib9p';
import { wantsWrite } from '@9p/lib9p';
import { type Slot, Slot as SlotClass } from './conv.js';
import { Enodev, refuse } from './errors.js';
import { defNode, FileNode, Folder, textNode } from './files.js';
import type { Env, Layer } from './plugin.js';
import { helpOf, type Kind, kindOf, openCtl } from './standard.js';

/** A kept conversation that is Idle and never was written to goes after this. */
export const forgotten_ms = 10 * 60 * 1000;

export class LayerServer {
  readonly layer: Layer;
  readonly folder: Folder;
  readonly #env: Env;
  readonly #slots: (Slot | undefined)[] = [];
  readonly #kind: Kind;
  readonly #files: readonly Node[];
  #count = 0;
  /** Lowest number that may be free. */
  #free = 0;
  /** A fid of clone may outlive the layer. */
  #removed = false;

  constructor(layer: Layer, env: Env, owner: () => string) {
    this.layer = layer;
    this.#env = env;
    this.#kind = kindOf(layer);
    this.#files = this.#rootNodes(owner);
    this.folder = new Folder(
      { name: layer.name, perm: 0o555, owner },
      { find: (name) => this.#find(name), all: () => this.#all() },
    );
  }

  #rootNodes(owner: () => string): readonly Node[] {
    const { layer } = this;
    const text = (name: string, make: () => string): Node =>
      textNode({ name, perm: 0o444, owner }, make);
    const standard = [
      new FileNode(
        { name: 'clone', perm: 0o666, owner, length: () => String(this.#next()).length },
        (mode, req, qid) => this.#clone(mode, req, qid),
        true,
      ),
      text('stats', () => `conversations: ${this.#count}\n${layer.stats.toString()}`),
      text('help', () => helpOf(layer)),
    ];
    const own = (layer.rootFiles ?? []).map((def) => defNode(def, undefined, owner));
    const names = new Set(own.map((n) => n.name));
    return [...standard.filter((n) => !names.has(n.name)), ...own];
  }

  #find(name: string): Node | undefined {
    if (/^(0|[1-9]\d{0,8})$/.test(name)) return this.#slots[Number(name)]?.folder;
    return this.#files.find((n) => n.name === name);
  }
  #all(): readonly Node[] {
    this.#forget();
    const out = [...this.#files];
    for (const s of this.#slots) if (s !== undefined) out.push(s.folder);
    return out;
  }
  get slots(): readonly Slot[] {
    return this.#slots.filter((s) => s !== undefined);
  }

  /** Read-only, as `cat` opens it: a kept conversation. For writing too: as in Plan
   *  9, it goes with the last close. */
  #clone(mode: number, req: Req, _qid: Qid): OpenFile {
    const slot = this.create(req.who, !wantsWrite(mode));
    return openCtl(slot, slot.ctl.qid, slot.ctl);
  }

  create(who: Who, kept: boolean): Slot {
    if (this.#removed) throw refuse(`no such device: ${this.layer.name} was unloaded`);
    this.#forget();
    if (this.#count >= this.layer.limit) this.#reclaim();
    const id = this.#next();
    const slot = new SlotClass(
      { freed: (s) => this.#freed(s), create: (caller) => this.create(caller, false) },
      this.layer,
      this.#env,
      id,
      who,
      kept,
      this.#kind,
    );
    this.#slots[id] = slot;
    this.#count++;
    return slot;
  }

  /** The number of the next conversation. */
  #next(): number {
    while (this.#slots[this.#free] !== undefined) this.#free++;
    return this.#free;
  }

  #freed(s: Slot): void {
    if (this.#slots[s.id] !== s) return;
    this.#slots[s.id] = undefined;
    this.#count--;
    this.#free = Math.min(this.#free, s.id);
  }

  /** Looked at whenever somebody makes or lists conversations: a timer for
   *  each would keep time for nobody. */
  #forget(): void {
    const since = this.#env.clock.now() - forgotten_ms;
    for (const s of this.#slots)
      if (s?.kept === true && !s.touched && s.born < since && s.forgettable) s.close('never used');
  }

  /** At the limit: the one that is Idle and unused for the longest goes, and before all others
   *  those that nobody ever wrote to, as a `grep -r` makes them. */
  #reclaim(): void {
    let oldest: Slot | undefined;
    for (const s of this.#slots)
      if (s?.forgettable && (oldest === undefined || goesBefore(s, oldest))) oldest = s;
    if (oldest === undefined) throw refuse(`${Enodev}: ${this.layer.name} has ${this.layer.limit}`);
    oldest.close('reclaimed: no free conversations');
  }

  /** Hang up all, politely and at once. */
  async remove(why: string): Promise<void> {
    this.#removed = true;
    await Promise.all(this.slots.map((s) => s.hangupAndClose(why)));
  }
}

const goesBefore = (a: Slot, b: Slot): boolean =>
  a.touched === b.touched ? a.stirred < b.stirred : b.touched;
