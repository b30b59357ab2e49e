/** The door of a Plan 9 host for one caller, as far as rcpu(1) goes before it runs anything:
 *  p9any, which a daemon's auth answers, then TLS under the secret. Usage: rcpu.mjs DIAL PORT */
import { createServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import { dial, omode } from '@9p/lib9p';

const [address, port] = process.argv.slice(2);
const mount = await dial(address, { uname: 'root' });
const utf8 = (s) => new TextEncoder().encode(s);

/** What came and was not consumed. */
class Caller {
  #socket;
  #held = Buffer.alloc(0);
  #wake = () => {};
  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (b) => {
      this.#held = Buffer.concat([this.#held, b]);
      this.#wake();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#wake(new Error('the caller is gone')));
  }
  /** At least `n` bytes are there. */
  async more(n) {
    while (this.#held.length < n)
      await new Promise((resolve, reject) => {
        if (this.#socket.destroyed) reject(new Error('the caller is gone'));
        this.#wake = (e) => (e ? reject(e) : resolve());
      });
    return this.#held;
  }
  consume(n) {
    this.#held = this.#held.subarray(n);
  }
  /** The socket as it is, with what was not consumed in front. */
  release() {
    this.#socket.removeAllListeners('data');
    this.#socket.pause();
    if (this.#held.length > 0) this.#socket.unshift(this.#held);
    return this.#socket;
  }
}

async function authenticate(caller, socket) {
  const rpc = await mount.open('/auth/rpc', omode.rdwr);
  const ask = async (b) => {
    await rpc.write(b, 0);
    const reply = Buffer.from(await rpc.read(8192, 0));
    const at = reply.indexOf(' ');
    return at < 0 ? [reply.toString()] : [reply.toString('latin1', 0, at), reply.subarray(at + 1)];
  };
  const must = async (b) => {
    const [verb, data] = await ask(b);
    if (verb === 'error' || verb === 'needkey') throw new Error(`${verb} ${data}`);
    return [verb, data];
  };
  await must(utf8('start proto=p9any role=server'));
  for (let chosen = false; ; ) {
    const [verb, data] = await must(utf8('read'));
    if (verb === 'done') break;
    if (verb === 'ok') socket.write(data);
    if (verb !== 'phase') continue;
    for (let n = 1; ; ) {
      const held = await caller.more(n);
      const message = chosen
        ? held.subarray(0, n)
        : held.subarray(0, held.indexOf(0) + 1 || held.length);
      const [said, bytes] = await must(Buffer.concat([utf8('write '), message]));
      if (said === 'ok') {
        caller.consume(message.length);
        chosen = true;
        break;
      }
      n = chosen ? Number(bytes) : held.length + 1;
    }
  }
  const [, info] = await must(utf8('authinfo'));
  const fields = [];
  for (let at = 0; at < info.length; at += 2 + info.readUInt16LE(at))
    fields.push(info.subarray(at + 2, at + 2 + info.readUInt16LE(at)));
  const [cuid, suid, , secret] = fields;
  console.log(`established cuid ${cuid} suid ${suid}`);
  return secret;
}

async function serve(socket) {
  const caller = new Caller(socket);
  const secret = await authenticate(caller, socket);
  const tls = new TLSSocket(caller.release(), {
    isServer: true,
    maxVersion: 'TLSv1.2',
    ciphers: 'PSK:@SECLEVEL=0',
    pskCallback: () => secret,
  });
  await new Promise((resolve, reject) => tls.once('secure', resolve).once('error', reject));
  console.log('tls: the secret is the same');
  tls.destroy();
}

const server = createServer((socket) => {
  server.close();
  serve(socket).then(
    () => process.exit(0),
    (e) => {
      console.log(`failed: ${e.message}`);
      process.exit(1);
    },
  );
});
server.listen(Number(port), '127.0.0.1', () => console.log('listening'));
