/** Any bytes from a peer who must prove who he is: he is let in by none of them, no answer has
 *  anything but rpc's words, and a password of any bytes can be used. */
import assert from 'node:assert/strict';
import { text, utf8 } from '@9p/packet';
import { utf16 } from '../../plugins/auth/mschap.js';
import { AuthServer } from '../../plugins/auth/p9/authsrv.js';
import { SeededRandom } from '../kit/index.js';
import { ask, bench, glenda, say, writing } from '../unit/auth-bench.js';
import { fuzz, type Row } from './fuzz.js';

const noise = new SeededRandom(5);
const words = /^(ok|phase |toosmall \d+$|error [a-zA-Z ]+$)/;
const sizes = { chap: 17, mschap: 48, mschapv2: 48, pap: 6 } as const;

/** What a server role is told: a name, then a proof that is none. */
function proofs(proto: keyof typeof sizes): Row {
  const b = bench([glenda]);
  let refused = 0;
  return {
    name: `proofs for ${proto}`,
    corpus: [noise.bytes(sizes[proto]), new Uint8Array(sizes[proto])],
    check(bytes) {
      const rpc = b.open();
      say(rpc, `start proto=${proto} role=server service=ppp`);
      if (proto !== 'pap') ask(rpc, 'read');
      say(rpc, 'write glenda');
      const said = say(rpc, writing(bytes));
      assert.match(said, words);
      if (said === 'error authentication failed') refused++;
      assert.match(say(rpc, writing(bytes)), words); // as a name, or another proof
      assert.doesNotMatch(say(rpc, 'read'), /^done/);
      rpc.close();
    },
    done: () => assert.ok(refused > 0),
  };
}

/** What a client role is told: a challenge. */
function challenges(proto: 'chap' | 'mschap' | 'mschapv2', size: number): Row {
  const b = bench([glenda]);
  let answered = 0;
  return {
    name: `challenges for ${proto}`,
    corpus: [noise.bytes(size)],
    check(bytes) {
      const rpc = b.open();
      say(rpc, `start proto=${proto} role=client service=ppp`);
      const said = say(rpc, writing(bytes));
      assert.match(said, words);
      const response = ask(rpc, 'read');
      if (said !== 'ok') return assert.match(text(response), /^phase /);
      answered++;
      assert.equal(response.length, 3 + (proto === 'chap' ? 16 : 48));
      assert.ok(!Buffer.from(response).includes('secret'));
      rpc.close();
    },
    done: () => assert.ok(answered > 0),
  };
}

const passwords: Row = {
  name: 'passwords as UTF-16',
  corpus: ['open sesame', 'é\u0800\uffff', '😀\u{10ffff}'].map(utf8),
  check(b) {
    const s = Buffer.from(utf16(b)).toString('utf16le');
    assert.doesNotMatch(s, /\p{Surrogate}/u);
    // In what is no UTF-8 each byte is replaced; TextDecoder replaces some together.
    const once = (x: string) => x.replace(/\ufffd+/g, '\ufffd');
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    assert.equal(once(s), once(decoder.decode(b)));
  },
};

/** The authentication server's clients: each gets a reply of the sizes there are, or the end. */
const tickets: Row = {
  name: 'ticket requests',
  corpus: [1, 2, 3].map((type) => {
    const b = new Uint8Array(141);
    b.set([type]);
    for (const [at, s] of [
      [1, 'bootes'],
      [29, 'lone'],
      [85, 'glenda'],
      [113, 'glenda'],
    ] as const)
      b.set(utf8(s), at);
    return b;
  }),
  check(b) {
    const key = noise.bytes(7);
    const s = new AuthServer({
      random: noise,
      withKey: (user, _dom, f) => (['bootes', 'glenda'].includes(user) ? f(key) : undefined),
    });
    for (const part of [b, b.subarray(0, 16), b])
      for (const a of s.receive(part)) {
        assert.ok([145, 65, 17, 86].includes(a.reply.length), String(a.reply.length));
        assert.notEqual(a.login?.ok, true);
        if (a.last) return;
      }
  },
};

fuzz([
  tickets,
  ...(['chap', 'mschap', 'mschapv2', 'pap'] as const).map(proofs),
  challenges('chap', 17),
  challenges('mschap', 8),
  challenges('mschapv2', 16),
  passwords,
]);
