/** PAP, RFC 1334 section 2: the peer sends its name and password, which are compared. */
import { sameSecret } from '../digest.js';
import type { Exchange, Outcome, Party, Protocol } from '../protocol.js';
import { Login } from './login.js';
import { givePassword } from './pass.js';

export const pap: Protocol = {
  name: 'pap',
  prompt: 'user? !password?',
  passService: 'ppp',
  client: givePassword,
  server: (party: Party): Exchange | Outcome =>
    new Login(party, {
      needProof: 'SNeedPass',
      claim: (password) => ({
        response: password,
        proven: (secret) => (sameSecret(password, secret) ? new Uint8Array(0) : undefined),
      }),
    }),
};
