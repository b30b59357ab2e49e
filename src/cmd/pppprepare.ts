/** Before PPP begins on a line: chat with the modem, shuttle mode, the modem command. */
import { realClock } from '../core/clock.js';
import { linked } from './command.js';
import { Hearing, type Step } from './pppchat.js';
import type { Line } from './pppmedium.js';
import { Keys } from './pppshuttle.js';

const latin1 = (s: string): Uint8Array => Buffer.from(s, 'latin1');

/** Each step within its time. What is sent may be a password, and is not shown. */
export async function chat(
  line: Line,
  name: string,
  steps: readonly Step[],
  trace: (text: string) => void,
  cancel: AbortSignal,
): Promise<void> {
  const heard = new Hearing();
  for (const step of steps) {
    const where = `${name}:${step.line}`;
    if (step.send !== '') await line.write(latin1(`${step.send}\r`));
    trace(`${where}: waiting for '${step.expect}'`);
    try {
      if (step.expect !== '') await hearing(line, heard, step, cancel);
    } catch (e) {
      throw new Error(`${where}: ${(e as Error).message}`);
    }
  }
  line.unread(heard.rest());
}

async function hearing(line: Line, h: Hearing, step: Step, cancel: AbortSignal): Promise<void> {
  const over = linked(cancel);
  const timer = realClock.after(step.limit_s * 1000, () => over.abort());
  try {
    while (!h.found(step.expect)) {
      const b = await line.read(over.signal);
      if (b.length === 0) throw new Error('the line has ended');
      h.hear(b);
    }
  } catch (e) {
    if (!over.signal.aborted || cancel.aborted) throw e;
    throw new Error(`'${step.expect}' did not come within ${step.limit_s} s`);
  } finally {
    timer.stop();
  }
}

/** The terminal and the device are one another's, until Ctrl-D or the end of standard input. */
export async function shuttle(line: Line, cancel: AbortSignal): Promise<void> {
  const { stdin } = process;
  const over = linked(cancel);
  const show = async (): Promise<void> => {
    for (let b = await line.read(over.signal); b.length > 0; b = await line.read(over.signal))
      process.stdout.write(b);
    throw new Error('the line has ended');
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  process.stderr.write('connected: Ctrl-D begins PPP, Ctrl-E is even parity, Ctrl-O odd\n');
  try {
    const showing = show();
    showing.catch(() => undefined); // as when it is given up, below
    const ended = await Promise.race([typing(line, over.signal), showing]);
    if (ended === false) throw new Error('interrupted');
  } finally {
    over.abort();
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  }
}

/** True at the end of what is typed; false if it was given up. */
function typing(line: Line, cancel: AbortSignal): Promise<boolean> {
  const { stdin } = process;
  const keys = new Keys();
  return new Promise((resolve, reject) => {
    let done = Promise.resolve();
    const finish = (ended: boolean): void => {
      stdin.off('data', data);
      stdin.off('end', end);
      done.then(() => resolve(ended), reject);
    };
    const data = (b: Buffer): void => {
      for (const key of keys.typed(b)) {
        if (key.is === 'end') return finish(true);
        const act = (): Promise<void> =>
          key.is === 'bytes' ? line.write(key.bytes) : line.control(key.message);
        done = done.then(act);
        done.catch(reject);
      }
    };
    const end = (): void => finish(true);
    stdin.on('data', data);
    stdin.on('end', end);
    cancel.addEventListener('abort', () => finish(false), { once: true });
  });
}
