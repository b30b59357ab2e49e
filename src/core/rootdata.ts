/** A data file in the root that belongs to no conversation: /eia0. It is opened as any data
 *  file, and `bind` joins its port. */
import { type OpenFile, omode, type Qid, type Req, type Wait } from '@9p/lib9p';
import { DataFile } from './datafile.js';
import { Einuse, Eperm, errorText, refuse } from './errors.js';
import { FileNode } from './files.js';
import type { Chan } from './namespace.js';
import type { Env, FileDef } from './plugin.js';
import { portChan } from './standard.js';

export type PortDef = Extract<FileDef<void>, { port: unknown }>;

export class RootData extends FileNode {
  readonly #def: PortDef;
  readonly #env: Env;
  #file: DataFile | undefined;

  constructor(def: PortDef, owner: () => string, env: Env) {
    super({ name: def.name, perm: def.perm, owner }, () => refuse(Eperm) as never);
    this.#def = def;
    this.#env = env;
  }

  override open(mode: number, req: Req): Wait<OpenFile> {
    this.#check(mode, req);
    return this.#whenReady(() => this.#opened(this.qid));
  }

  /** The port, for who would rather join than read. The rights are those of an open for both. */
  channel(req: Req): Wait<Chan> {
    this.#check(omode.rdwr, req);
    return this.#whenReady(() => portChan(this.#def.port(), this.qid));
  }

  #check(mode: number, req: Req): void {
    if (!this.allowed(mode, req)) throw refuse(Eperm);
  }
  #whenReady<T>(then: () => T): Wait<T> {
    const ready = this.#def.ready?.();
    return ready instanceof Promise ? ready.then(then) : then();
  }

  #opened(qid: Qid): OpenFile {
    const port = this.#def.port();
    if (this.#file === undefined) {
      if (port.peer !== undefined) throw refuse(`${Einuse}: ${port.peer.name} is bound to it`);
      this.#file = new DataFile(port, qid, {
        turn: this.#env.turn,
        count: (reason) => port.count(reason),
        crash: (e) => this.#env.log(`${this.name}: bug: ${errorText(e)}`),
        closed: () => {
          this.#file = undefined;
        },
      });
    }
    return this.#file.open(qid);
  }
}
