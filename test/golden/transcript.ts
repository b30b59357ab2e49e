/** A golden transcript: what a client sends and what it must get, one message a line.
 *
 *    # a comment
 *    -> Topen tag 1 fid 2 mode 2
 *    <- Ropen tag 1 qid ($ctl 0 ) iounit *      *: anything; $ctl: the same wherever it is written
 *    ! device memory > /ipifc/0/ctl      what somebody else writes meanwhile
 *    = fids 2                            what the server then has of us, and nothing more to say
 *
 *  Requests without a reply between them go out in one segment. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Dialect, encodeFcall, type Server, type Tmessage } from '@9p/lib9p';
import { Raw, settled } from '../unit/lib9p-kit.js';
import { matches, request, whole } from './words.js';

export interface PlayOptions {
  /** For a reply that a kernel or another machine has to make first. */
  readonly wait?: () => Promise<void>;
  /** What a line with `!` does. */
  write?(what: string, path: string): Promise<void>;
  /** Instead of the transcript's: another tree of the same files. */
  readonly aname?: string;
  /** Each byte comes alone. */
  readonly bytewise?: boolean;
}

const waits_max = 500;

export const golden = (name: string): string =>
  readFileSync(new URL(`../../../test/golden/${name}.9p`, import.meta.url), 'utf8');

class Player {
  readonly #o: PlayOptions;
  readonly #raw: Raw;
  readonly #known = new Map<string, string>();
  #batch: Tmessage[] = [];

  constructor(server: Server, o: PlayOptions) {
    this.#o = o;
    this.#raw = new Raw(server, { net: 'unix', address: '' });
  }

  async line(line: string): Promise<void> {
    const [mark, rest] = [line.slice(0, 2), line.slice(3)];
    if (mark === '->') this.#ask(rest);
    else if (mark === '<-') await this.#answer(rest);
    else if (line.startsWith('! ')) await this.#act(line.slice(2));
    else if (line.startsWith('= fids ')) await this.#count(Number(line.slice(7)));
    else assert.match(line, /^(#.*)?$/, 'no line of a transcript');
  }

  #ask(line: string): void {
    const f = request(line.replace(/\$\w+/g, (name) => this.#known.get(name) ?? name));
    const { aname } = this.#o;
    this.#batch.push(f.type === 'Tattach' && aname !== undefined ? { ...f, aname } : f);
  }

  #send(): void {
    const { connection } = this.#raw;
    const { dialect } = this.#raw;
    const sent = Buffer.concat(this.#batch.splice(0).map((f) => encodeFcall(f, dialect)));
    if (this.#o.bytewise !== true) connection.receive(sent);
    else for (const b of sent) connection.receive(Uint8Array.of(b));
  }

  async #answer(pattern: string): Promise<void> {
    this.#send();
    const { replies } = this.#raw;
    for (let n = 0; replies.length === 0 && n < waits_max; n++) await (this.#o.wait ?? settled)();
    const r = replies.shift();
    assert.ok(r !== undefined, `no reply; ${this.#raw.connection.ended ?? 'waited'}`);
    if (r.type === 'Rversion') this.#raw.dialect = r.version as Dialect;
    assert.ok(matches(pattern, r, this.#known), `it was ${whole(r)}`);
  }

  async #act(s: string): Promise<void> {
    this.#send();
    const [what = '', path = ''] = s.split(' > ');
    await this.#o.write?.(what, path);
  }

  async #count(fids: number): Promise<void> {
    await settled();
    const { connection, replies } = this.#raw;
    const is = { fids: connection.fids, tags: connection.outstanding, replies: replies.map(whole) };
    assert.deepEqual(is, { fids, tags: 0, replies: [] });
  }

  async end(): Promise<void> {
    this.#send();
    this.#raw.connection.hangup('end of the transcript');
    await settled();
    await this.#count(0);
  }
}

export async function play(name: string, server: Server, o: PlayOptions = {}): Promise<void> {
  const player = new Player(server, o);
  for (const [i, line] of golden(name).split('\n').entries()) {
    try {
      await player.line(line.trim());
    } catch (e) {
      throw new Error(`${name}.9p:${i + 1}: ${line}: ${(e as Error).message}`, { cause: e });
    }
  }
  await player.end();
}
