/** CHAP with MD5, RFC 1994 section 4.1: the response is MD5(identifier, secret, challenge). */
import { u8 } from '@9p/packet';
import { md5, sameBytes } from '../digest.js';
import type { Exchange, Outcome, Party, Protocol } from '../protocol.js';
import { Login } from './login.js';
import { respond } from './respond.js';

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
  return respond(party, {
    bytes: [2, 1 + value_bytes_max],
    /** Identifier[1] challenge[1..255] */
    response: (asked, secret) => ({ data: answer(u8(asked, 0), secret, asked.subarray(1)) }),
  });
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
          sameBytes(response, answer(u8(reply, 0), secret, challenge)) ? empty : undefined,
      };
    },
  });
}

const answer = (id: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array =>
  md5(Uint8Array.of(id), secret, challenge);

const empty = new Uint8Array(0);
