/** Requests to the kernel over one netlink socket, and their answers by sequence number; what
 *  nobody asked for is an event. It owns no socket and no clock. */
import {
  answerText,
  emitMessage,
  type Message,
  nlmf,
  nlmsg,
  parseDatagram,
  parseError,
} from './message.js';
import type { Request } from './route.js';

export interface NetlinkHost {
  /** One datagram to the kernel; throws where the socket refuses it. */
  send(datagram: Uint8Array): void;
  after(ms: number, f: () => void): { stop(): void };
  /** Told by the kernel to a group that we listen to. */
  event(m: Message): void;
  /** 'short', 'badlength', 'strayanswer'. */
  count(reason: string): void;
}

/** The kernel's refusal; `errno` as in errno.h. */
export class NetlinkError extends Error {
  readonly errno: number;
  constructor(text: string, errno: number) {
    super(text);
    this.errno = errno;
  }
}

interface Pending {
  readonly messages: Message[];
  readonly dump: boolean;
  readonly ack: boolean;
  interrupted: boolean;
  resolve(m: Message[]): void;
  reject(e: Error): void;
  timer: { stop(): void };
}

const pending_max = 1024;
const dump_messages_max = 1_000_000;
const dump_tries_max = 5;
/** The kernel answers at once; no answer means that the socket's buffer ran over. */
const answer_timeout_ms = 5000;

export class NetlinkClient {
  readonly #host: NetlinkHost;
  readonly #pending = new Map<number, Pending>();
  #seq = 0;
  /** The kernel makes one dump at a time for a socket, and refuses a second: it waits here. */
  #dumps = 0;
  #dumping: Promise<void> | undefined;
  #gone: string | undefined;

  constructor(host: NetlinkHost) {
    this.#host = host;
  }

  /** The messages of the answer; none for a request that is only acknowledged. Rejects with the
   *  kernel's words. A dump during which the table changed is asked for again. */
  async request(r: Request): Promise<Message[]> {
    if ((r.flags & nlmf.dump) !== nlmf.dump) return (await this.#ask(r)).messages;
    if (this.#dumps >= pending_max) throw new Error('too many netlink requests');
    this.#dumps++;
    const dump =
      this.#dumping === undefined ? this.#dump(r) : this.#dumping.then(() => this.#dump(r));
    const over: Promise<void> = dump.then(
      () => this.#dumped(over),
      () => this.#dumped(over),
    );
    this.#dumping = over;
    return dump;
  }

  async #dump(r: Request): Promise<Message[]> {
    for (let tries = 1; ; tries++) {
      const p = await this.#ask(r);
      if (!p.interrupted || tries >= dump_tries_max) return p.messages;
    }
  }
  #dumped(which: Promise<void>): void {
    this.#dumps--;
    if (this.#dumping === which) this.#dumping = undefined;
  }

  #ask(r: Request): Promise<Pending> {
    if (this.#gone !== undefined) throw new Error(this.#gone);
    if (this.#pending.size >= pending_max) throw new Error('too many netlink requests');
    this.#seq = (this.#seq + 1) >>> 0 || 1;
    const seq = this.#seq;
    return new Promise((resolve, reject) => {
      const p: Pending = {
        messages: [],
        dump: (r.flags & nlmf.dump) === nlmf.dump,
        ack: (r.flags & nlmf.ack) !== 0,
        interrupted: false,
        resolve: () => resolve(p),
        reject,
        timer: this.#host.after(answer_timeout_ms, () =>
          this.#fail(seq, new NetlinkError('netlink: timed out', 110)),
        ),
      };
      this.#pending.set(seq, p);
      try {
        this.#host.send(emitMessage(r.type, r.flags | nlmf.request, seq, r.body));
      } catch (e) {
        this.#fail(seq, e instanceof Error ? e : new Error(String(e)));
      }
    });
  }

  /** A datagram from the kernel. Its bytes are the caller's again on return. */
  receive(datagram: Uint8Array): void {
    const { messages, bad } = parseDatagram(datagram);
    if (bad !== undefined) this.#host.count(bad);
    for (const m of messages) this.#message(m);
  }

  #message(m: Message): void {
    const p = m.seq === 0 ? undefined : this.#pending.get(m.seq);
    if (p === undefined) {
      if (m.type > nlmsg.overrun) this.#host.event(m);
      else this.#host.count('strayanswer');
      return;
    }
    if (m.flags & nlmf.dumpInterrupted && p.dump) p.interrupted = true;
    if (m.type === nlmsg.error) this.#error(m, p);
    else if (m.type === nlmsg.done) this.#done(m.seq);
    else this.#part(m, p);
  }

  #error(m: Message, p: Pending): void {
    const a = parseError(m);
    if (typeof a === 'string') this.#host.count(a);
    else if (a.errno !== 0) this.#fail(m.seq, new NetlinkError(answerText(a), a.errno));
    else if (!p.dump) this.#done(m.seq);
  }

  #part(m: Message, p: Pending): void {
    if (p.messages.length >= dump_messages_max) {
      this.#fail(m.seq, new Error('netlink: answer too long'));
      return;
    }
    p.messages.push({ ...m, body: m.body.slice() });
    if (!p.dump && !p.ack) this.#done(m.seq);
  }

  #done(seq: number): void {
    const p = this.#take(seq);
    p?.resolve(p.messages);
  }
  #fail(seq: number, e: Error): void {
    this.#take(seq)?.reject(e);
  }
  #take(seq: number): Pending | undefined {
    const p = this.#pending.get(seq);
    this.#pending.delete(seq);
    p?.timer.stop();
    return p;
  }

  /** The socket is gone: whoever waits is told. */
  close(why: string): void {
    this.#gone ??= why;
    for (const seq of [...this.#pending.keys()]) this.#fail(seq, new Error(why));
  }
}
