/** MS-CHAP with the NT response alone (RFC 2433) and MS-CHAPv2 (RFC 2759), both roles. */
import { concat } from '@9p/packet';
import type { Random } from 'slashnet/core';
import { sameBytes } from '../digest.js';
import * as ms from '../mschap.js';
import type { Exchange, Outcome, Party, Protocol } from '../protocol.js';
import { Login } from './login.js';
import { respond } from './respond.js';

/** A response is factotum's MSchapreply: LMresp[24] NTresp[24] */
const front_bytes = 24;
const response_bytes = front_bytes + ms.ntResponse_bytes;

/** What differs between the two. */
interface Version {
  readonly name: string;
  readonly prompt: string;
  readonly challenge_bytes: number;
  /** What a peer puts where MSchapreply has LMresp. */
  front(random: Random): Uint8Array;
  prove(c: Credentials, hash: Uint8Array, hashHash: Uint8Array): Proof;
}
interface Credentials {
  readonly challenge: Uint8Array;
  readonly front: Uint8Array;
  readonly user: string;
}
interface Proof {
  readonly ntResponse: Uint8Array;
  /** AuthInfo's. */
  readonly secret: Uint8Array;
}

/** The secret is MPPE's start key, 16 bytes. */
export const mschap: Protocol = protocolOf({
  name: 'mschap',
  prompt: '!password?',
  challenge_bytes: 8,
  // No LM response: it would give the password away.
  front: () => new Uint8Array(front_bytes),
  prove: ({ challenge }, hash, hashHash) => ({
    ntResponse: ms.challengeResponse(challenge, hash),
    secret: ms.getStartKey(challenge, hashHash),
  }),
});

const peerChallenge_bytes = 16;

/** The secret is MPPE's master key, 16 bytes, and the authenticator response, 20. */
const v2: Version = {
  name: 'mschapv2',
  prompt: 'user? !password?',
  challenge_bytes: 16,
  /** Peer-Challenge[16] Reserved[8] */
  front(random) {
    const front = new Uint8Array(front_bytes);
    front.set(random.bytes(peerChallenge_bytes));
    return front;
  },
  prove({ challenge, front, user }, hash, hashHash) {
    const peerChallenge = front.subarray(0, peerChallenge_bytes);
    const both = ms.challengeHash(peerChallenge, challenge, user);
    const ntResponse = ms.challengeResponse(both, hash);
    const masterKey = ms.getMasterKey(hashHash, ntResponse);
    const secret = concat(masterKey, ms.authenticatorResponse(hashHash, ntResponse, both));
    masterKey.fill(0);
    return { ntResponse, secret };
  },
};
export const mschapv2: Protocol = protocolOf(v2);

/** For EAP, which carries it in packets of its own. */
export const proveV2 = (c: Credentials, password: Uint8Array): Proof => proveBy(v2, c, password);

function proveBy(v: Version, c: Credentials, password: Uint8Array): Proof {
  return ms.withHashes(password, (hash, hashHash) => v.prove(c, hash, hashHash));
}

function protocolOf(v: Version): Protocol {
  const prove = (c: Credentials, password: Uint8Array): Proof => proveBy(v, c, password);
  const { name, prompt, challenge_bytes } = v;
  return {
    name,
    prompt,
    passService: 'ppp',
    client: (party: Party): Exchange | Outcome =>
      respond(party, {
        bytes: [challenge_bytes, challenge_bytes],
        response(challenge, password, user) {
          const front = v.front(party.random);
          const { ntResponse, secret } = prove({ challenge, front, user }, password);
          return { data: concat(front, ntResponse), secret };
        },
      }),
    server(party: Party): Exchange | Outcome {
      const challenge = party.random.bytes(challenge_bytes);
      return new Login(party, {
        challenge,
        needProof: 'SNeedResp',
        claim(response, user) {
          if (response.length !== response_bytes) return 'did not get MSchapreply';
          const front = response.subarray(0, front_bytes);
          return {
            challenge,
            response,
            proven(password) {
              const { ntResponse, secret } = prove({ challenge, front, user }, password);
              if (sameBytes(response.subarray(front_bytes), ntResponse)) return secret;
              secret.fill(0);
              return undefined;
            },
          };
        },
      });
    },
  };
}
