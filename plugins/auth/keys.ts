/** The key ring, after factotum(4): what `key` adds, `delkey` deletes
 *  and an authentication looks up. */
import { outsideCopy } from '@9p/packet';
import { refuse, type Who } from 'slashnet/core';
import { type Attr, type Attrs, attrValue, isPrivate, matches, printAttrs, wipe } from './attr.js';

export const keys_max = 4096;

export interface Key {
  readonly attrs: Attrs;
  /** The private value of `name`; it is wiped when the key goes, so use it at once. */
  secret(name: string): Uint8Array | undefined;
  /** A person must agree to each use. */
  readonly confirm: boolean;
}

/** What the ring must know of the protocols. */
export interface KeyRules {
  /** Undefined: there is no such protocol; null: it takes no keys. */
  promptOf(proto: string): Attrs | null | undefined;
  /** Says why a key does not do, in the place of what `promptOf` demands. */
  checkOf?(proto: string): ((key: Attrs) => string | undefined) | undefined;
}

export class KeyRing {
  readonly #rules: KeyRules;
  #keys: RingKey[] = [];

  constructor(rules: KeyRules) {
    this.#rules = rules;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** Takes `list`, and wipes what it did not take. One key for each
   *  `proto=`; a refusal adds none. */
  add(list: Attrs, who: Who): void {
    try {
      const protos = list.filter((a) => a.name === 'proto' && a.is === 'value');
      if (protos.length === 0) throw refuse('key without protos');
      for (const p of protos) this.#check(p, list);
      if (this.#keys.length + protos.length > keys_max)
        throw refuse(`too many keys: the limit is ${keys_max}`);
      const rest = list.filter((a) => a.name !== 'proto');
      for (const p of protos) this.#put(new RingKey([p, ...rest.map(ownCopy)], who));
    } finally {
      wipe(list);
    }
  }

  #check(proto: Attr, list: Attrs): void {
    const name = proto.is === 'value' ? proto.value : '';
    const prompt = this.#rules.promptOf(name);
    if (prompt === undefined) throw refuse(unknownProto(name));
    if (prompt === null) throw refuse(`proto ${name} doesn't take keys`);
    const check = this.#rules.checkOf?.(name) ?? ((key: Attrs) => lacking(prompt, key));
    const why = check(list);
    if (why !== undefined) throw refuse(why);
    if (list.some((a) => a.is === 'query')) throw refuse('a key has values, not queries');
  }

  #put(key: RingKey): void {
    const at = this.#keys.findIndex((k) => matches(k.open, key.open) && matches(key.open, k.open));
    if (at < 0) this.#keys.push(key);
    else this.#keys.splice(at, 1, key)[0]?.wipe();
  }

  /** Deletes and wipes what matches. */
  remove(pattern: Attrs): void {
    refuseSecrets(pattern);
    const gone = this.#keys.filter((k) => matches(pattern, k.attrs));
    if (gone.length === 0) throw refuse('found no keys to delete');
    this.#keys = this.#keys.filter((k) => !gone.includes(k));
    for (const k of gone) k.wipe();
  }

  /** The first key that `who` may use and that fits; with `confirm`, of those too that a person
   *  must agree to. */
  find(pattern: Attrs, who: Who, confirm = false): Key | undefined {
    return this.#keys.find(
      (k) => (confirm || !k.confirm) && k.usable(who) && matches(pattern, k.attrs),
    );
  }

  /** All that `who` may use and that fit. */
  findAll(pattern: Attrs, who: Who): readonly Key[] {
    return this.#keys.filter((k) => !k.confirm && k.usable(who) && matches(pattern, k.attrs));
  }

  /** As `ctl` shows it. */
  toString(): string {
    return this.#keys.map((k) => `key ${printAttrs(k.shown)}\n`).join('');
  }

  wipe(): void {
    for (const k of this.#keys) k.wipe();
    this.#keys = [];
  }
}

function lacking(prompt: Attrs, key: Attrs): string | undefined {
  const missing = prompt.filter((p) => !matches([p], key));
  return missing.length === 0 ? undefined : `missing attributes: ${printAttrs(missing)}`;
}

class RingKey implements Key {
  readonly attrs: Attrs;
  /** The public ones. */
  readonly open: Attrs;
  readonly #uname: string;

  constructor(attrs: Attrs, adder: Who) {
    this.attrs = attrs;
    this.open = attrs.filter((a) => !isPrivate(a.name));
    this.#uname = adder.uname;
  }

  get shown(): Attrs {
    return [...this.open, ...this.attrs.filter((a) => isPrivate(a.name))];
  }

  get confirm(): boolean {
    return this.open.some((a) => a.name === 'confirm');
  }

  usable(who: Who): boolean {
    if (this.open.some((a) => a.name === 'disabled')) return false;
    if (who.owner || who.uname === this.#uname) return true;
    return this.open.some(
      (a) =>
        a.name === 'owner' && a.is === 'value' && (a.value === '*' || ownerIs(a.value, who.uname)),
    );
  }

  secret(name: string): Uint8Array | undefined {
    for (const a of this.attrs) if (a.is === 'secret' && a.name === name) return a.bytes;
    return undefined;
  }

  wipe(): void {
    wipe(this.attrs);
  }
}

/** `none` is who did not authenticate: only `*` includes it. */
const ownerIs = (owner: string, uname: string): boolean => owner === uname && uname !== 'none';

const ownCopy = (a: Attr): Attr => (a.is === 'secret' ? { ...a, bytes: outsideCopy(a.bytes) } : a);

/** A pattern may ask whether there is a private value, never which. */
export function refuseSecrets(pattern: Attrs): void {
  if (!pattern.some((a) => a.is === 'secret')) return;
  wipe(pattern);
  throw refuse('only !private? patterns are allowed for private fields');
}

/** Names a protocol only where it looks like one, so that a slip in quoting repeats no secret. */
export const unknownProto = (name: string): string =>
  /^[a-z][a-z0-9-]{0,15}$/.test(name) ? `unknown proto ${name}` : 'unknown proto';

/** The one value of `proto` in a list. */
export const protoOf = (list: Attrs): string | undefined => attrValue(list, 'proto');
