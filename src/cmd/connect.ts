/** slashnet connect: standard input and output are the connection. */
import { pipeline } from 'node:stream/promises';
import { addressOf } from '../core/runtime.js';
import type { Command } from './command.js';
import { diallingOf } from './dialling.js';

export const connect: Command = {
  name: 'connect',
  about: 'join standard input and output to a 9P server, for srv -e and mount -o trans=fd',
  args: '[address]',
  examples: [
    "srv -e 'ssh host slashnet connect' slashnet /n/slashnet    # on Plan 9",
    "slashnet --cert me.pem --key me.key connect 'tls!host!9fs' <to >from &",
  ],
  async run([address], o) {
    const options = await diallingOf(o);
    const stream = await options.connect(addressOf(address ?? o.address), options);
    // The server's end ends it; ours is passed on, and its last answers are waited for.
    const sent = pipeline(process.stdin, stream, { end: true });
    const got = pipeline(stream, process.stdout);
    await Promise.race([got, sent.then(() => got)]);
    return process.exit(0); // standard input may still be open
  },
};
