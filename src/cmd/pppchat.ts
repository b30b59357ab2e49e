/** The chat with a modem, ppp(8) -M: lines of what is sent and what the answer must hold. Here is
 *  what needs no I/O: the file, and what of the answer has been heard. */
import { words } from '../core/words.js';
import { Usage } from './command.js';

export interface Step {
  readonly line: number;
  /** A CR is sent after it; empty: nothing is sent. */
  readonly send: string;
  /** Empty: nothing is waited for. */
  readonly expect: string;
  readonly limit_s: number;
}

const limit_s = 60;
const limit_max_s = 3600;
const steps_max = 1000;

/** 'send' 'expect' [seconds] a line, words by rc's quoting. */
export function parseChat(name: string, text: string): Step[] {
  const steps: Step[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const bare = line.replace(/\r$/, '').trim();
    if (bare === '' || bare.startsWith('#')) continue;
    steps.push(stepOf(bare, i + 1, `${name}:${i + 1}`));
  }
  if (steps.length > steps_max) throw new Usage(`${name}: over ${steps_max} lines`);
  return steps;
}

/** What is wrong with a line is told without it: there may be a password in it. */
function stepOf(text: string, line: number, where: string): Step {
  const quoted = (): string[] => {
    try {
      return words(text);
    } catch {
      throw new Usage(`${where}: unmatched quote`);
    }
  };
  const [send, expect, seconds = `${limit_s}`, more] = quoted();
  if (send === undefined || expect === undefined || more !== undefined)
    throw new Usage(`${where}: a line is 'send' 'expect' [seconds]`);
  const s = /^\d{1,4}$/.test(seconds) ? Number(seconds) : 0;
  if (s < 1 || s > limit_max_s) throw new Usage(`${where}: seconds are 1 to ${limit_max_s}`);
  return { line, send, expect, limit_s: s };
}

/** V.250: nothing better comes after one of these. */
const refusals = ['BUSY', 'ERROR', 'NO ANSWER', 'NO CARRIER', 'NO DIALTONE', 'NO DIAL TONE'];
const held_bytes = 4096;

/** What a modem says, as far as nobody has asked for it. */
export class Hearing {
  #held = '';

  hear(b: Uint8Array): void {
    this.#held += Buffer.from(b).toString('latin1');
    // A line that long is noise: its end may still become what is waited for.
    if (this.#held.length > 2 * held_bytes) this.#held = this.#held.slice(-held_bytes);
  }

  /** Whether a line holds the text, in any case; a prompt has no line end yet. Lines before it are
   *  gone then. Throws what the modem says, if that is a refusal. */
  found(text: string): boolean {
    for (;;) {
      const end = this.#held.indexOf('\n');
      const line = end < 0 ? this.#held : this.#held.slice(0, end);
      const at = line.toLowerCase().indexOf(text.toLowerCase());
      if (at >= 0) {
        this.#held = this.#held.slice(at + text.length);
        return true;
      }
      if (end < 0) return false;
      const said = line.trim().toUpperCase();
      if (refusals.includes(said)) throw new Error(`the modem says ${said}`);
      this.#held = this.#held.slice(end + 1);
    }
  }

  /** What has come since: PPP's, when the chat is over. */
  rest(): Uint8Array {
    const b = Buffer.from(this.#held, 'latin1');
    this.#held = '';
    return b;
  }
}
