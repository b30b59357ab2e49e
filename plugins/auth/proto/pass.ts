/** pass: the user's name and password in the clear, for protocols that
 *  auth does not speak. factotum(4). */
import { outside, put8, utf8 } from '@9p/packet';
import { attrValue, quoted, quotedBytes } from '../attr.js';
import type { Key } from '../keys.js';
import type { Protocol } from '../protocol.js';
import { type Exchange, isOutcome, type Outcome, type Party, phaseError } from '../protocol.js';

export const pass: Protocol = {
  name: 'pass',
  prompt: 'user? !password?',
  role: 'client',
  client: givePassword,
};

/** One read gives `user password`, each as %q prints it. */
export function givePassword(party: Party): Exchange | Outcome {
  const first = party.key();
  if (isOutcome(first)) return first;
  let phase = 'HavePass';
  return {
    get phase() {
      return phase;
    },
    read() {
      const key = party.key();
      if (isOutcome(key)) return key;
      phase = 'Established';
      return { is: 'ok', data: userAndPassword(key) };
    },
    write: () => phaseError,
  };
}

/** Made in bytes: a string with the password could not be wiped. */
function userAndPassword(key: Key): Uint8Array {
  const user = utf8(quoted(attrValue(key.attrs, 'user') ?? ''));
  const password = quotedBytes(key.secret('!password') ?? new Uint8Array(0));
  const out = outside(user.length + 1 + password.length);
  out.set(user);
  put8(out, user.length, 0x20);
  out.set(password, user.length + 1);
  password.fill(0);
  return out;
}
