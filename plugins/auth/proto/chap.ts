/** CHAP with MD5, RFC 1994 section 4.1: the response is MD5(identifier, secret, challenge). */
import { u8 } from '@9p/packet';
import { md5, sameSecret } from '../digest.js';
import type { Exchange, Outcome, Party, Protocol } from '../protocol.js';
import { failed, isOutcome, ok, phaseError } from '../protocol.js';
import { Login } from './login.js';

export const chap: Protocol = {
  name: 'chap',
  prompt: '!password?',
  passService: 'ppp',
  client,
  server,
};

const challenge_bytes = 16;
const response_bytes = 16;
/** CHAP's Value-Size is one byte. RFC 1994 section 4.1. */
const value_bytes_max = 255;

function client(party: Party): Exchange | Outcome {
  const first = party.key();
  if (isOutcome(first)) return first;
  let phase = 'CNeedChal';
  let response = new Uint8Array(0);
  return {
    get phase() {
      return phase;
    },
    /** Identifier[1] challenge[1..255] */
    write(data) {
      if (phase !== 'CNeedChal') return phaseError;
      if (data.length < 2) return { is: 'toosmall', bytes: 2 };
      if (data.length > 1 + value_bytes_max) return failed('chap botch');
      const key = party.key();
      if (isOutcome(key)) return key;
      response = answer(u8(data, 0), key.secret('!password') ?? empty, data.subarray(1));
      phase = 'CHaveResp';
      return ok;
    },
    read() {
      if (phase !== 'CHaveResp') return phaseError;
      phase = 'Established';
      return { is: 'ok', data: response };
    },
  };
}

function server(party: Party): Exchange | Outcome {
  const challenge = party.random.bytes(challenge_bytes);
  return new Login(party, {
    challenge,
    needProof: 'SNeedResp',
    /** Chapreply: Identifier[1] response[16] */
    claim(reply) {
      if (reply.length !== 1 + response_bytes) return 'did not get Chapreply';
      const response = reply.subarray(1);
      return {
        challenge,
        response: reply,
        proven: (secret) =>
          sameSecret(response, answer(u8(reply, 0), secret, challenge)) ? empty : undefined,
      };
    },
  });
}

const answer = (id: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(md5(Uint8Array.of(id), secret, challenge));

const empty = new Uint8Array(0);
