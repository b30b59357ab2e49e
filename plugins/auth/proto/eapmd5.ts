/** EAP's MD5-Challenge, RFC 3748 section 5.4: CHAP in EAP's packets. */
import { concat, u8, utf8 } from '@9p/packet';
import { attrValue } from '../attr.js';
import { md5, sameBytes } from '../digest.js';
import { type Exchange, isOutcome, type Outcome, type Party, type Protocol } from '../protocol.js';
import { EapClient, EapServer, type Step } from './eap.js';

export const eapMd5: Protocol = {
  name: 'eap-md5',
  prompt: '!password?',
  passService: 'ppp',
  client,
  server,
};

const type = 4;
const value_bytes = 16;
const empty = new Uint8Array(0);

/** Value-Size, Value, Name. */
function chapValue(data: Uint8Array): Uint8Array | undefined {
  const n = data.length === 0 ? 0 : u8(data, 0);
  return n === 0 || n > data.length - 1 ? undefined : data.subarray(1, 1 + n);
}

function client(party: Party): Exchange | Outcome {
  const first = party.key();
  if (isOutcome(first)) return first;
  let answered = false;
  return new EapClient({
    type,
    request(id, data) {
      const challenge = chapValue(data);
      if (challenge === undefined) return { is: 'botch' };
      const key = party.key();
      if (isOutcome(key)) return key;
      answered = true;
      const value = md5(Uint8Array.of(id), key.secret('!password') ?? empty, challenge);
      // pppd looks the secret up by the name that is here.
      const name = utf8(attrValue(key.attrs, 'user') ?? '');
      return { is: 'say', data: concat([value_bytes], value, name) };
    },
    succeeded: () => (answered ? undefined : false),
  });
}

function server(party: Party): Exchange {
  const challenge = party.random.bytes(value_bytes);
  let user = '';
  return new EapServer(party, {
    type,
    first(_id, name) {
      user = name;
      return concat([value_bytes], challenge);
    },
    response(id, data): Step | Promise<Step> {
      const value = chapValue(data);
      if (value?.length !== value_bytes) return { is: 'botch' };
      const info = party.judge({
        user,
        challenge,
        response: value,
        proven: (secret) =>
          sameBytes(value, md5(Uint8Array.of(id), secret, challenge)) ? empty : undefined,
      });
      if (info instanceof Promise) return info.then((i) => ({ is: 'end', ok: !!i, info: i }));
      return { is: 'end', ok: info !== undefined, info };
    },
  });
}
