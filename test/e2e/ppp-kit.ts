/** slashnet ppp as a user runs it: processes whose standard input and output are joined. */
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Mount } from '@9p/lib9p';
import { bin, type Place, type Ran, type Running, until, within } from './place.js';

export const limit = { timeout: 500_000 };
export const server = ['-Saf', '-x', 'none', '10.9.0.1', '10.9.0.2'];
export const client = ['-f', '-x', 'none'];

/** With a private daemon. */
export function ppp(p: Place, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const r = p.start([process.execPath, bin, 'ppp', ...args], { SLASHNET: '', ...env });
  r.child.stdin?.on('error', () => undefined); // it has ended
  return r;
}

/** Each hears what the other says, and its end. */
export function wire(a: Running, b: Running): void {
  if (a.child.stdout && b.child.stdin) a.child.stdout.pipe(b.child.stdin);
  if (b.child.stdout && a.child.stdin) b.child.stdout.pipe(a.child.stdin);
}

/** Silent, until it is ended. */
export const pair = (p: Place, s = server, c = client): readonly [Running, Running] => {
  const both = [ppp(p, s), ppp(p, c)] as const;
  wire(...both);
  return both;
};

export const isUp = (r: Running, times = 1): Promise<void> =>
  until('the link up', () => r.over || r.err.split('slashnet: up: ').length > times).then(
    () => assert.ok(!r.over, `it has ended: ${r.err}`),
    (e: Error) => assert.fail(`${e.message}: ${r.err}`),
  );

/** Ctrl-C, and how it ended. */
export function interrupt(r: Running): Promise<Ran> {
  r.kill('SIGINT');
  return within('the end after SIGINT', r.ended);
}

export const ended = (r: Running): Promise<Ran> => within('its end', r.ended);

export const posted = (p: Place, r: Running): string =>
  `unix!${join(p.dir, 'run/slashnet', `ppp.${r.child.pid}`)}`;

/** A stack in memory above a link that has none. */
export async function stack(m: Mount, local: string, remote: string): Promise<string> {
  await m.writeFile('/ctl', 'load ipifc').catch(() => undefined); // it is there
  const dir = `/ipifc/${await m.readText('/ipifc/clone')}`;
  await m.writeFile(`${dir}/ctl`, 'device memory\nbind /net/ppp/0/data');
  await m.writeFile(`${dir}/ctl`, `add ${local} 255.255.255.255 ${remote}`);
  return dir;
}

/** Across the link, from the client to the server and back. */
export async function ping(client: Mount, server: Mount): Promise<void> {
  await stack(server, '10.9.0.1', '10.9.0.2');
  const dir = await stack(client, '10.9.0.2', '10.9.0.1');
  await client.writeFile(`${dir}/ctl`, 'ping 10.9.0.1 3');
  assert.match(await client.readText(`${dir}/ping`), /3 packets transmitted, 3 received/);
}

export interface Listening {
  readonly address: string;
  readonly sockets: readonly Socket[];
  close(): void;
}

/** Who is dialled by `-p`: `serve` gets each connection. */
export async function listening(serve: (s: Socket, n: number) => void): Promise<Listening> {
  const sockets: Socket[] = [];
  const all: Server = createServer((s) => {
    s.unref(); // a test that failed ends
    s.on('error', () => undefined);
    sockets.push(s);
    serve(s, sockets.length);
  });
  await new Promise<void>((done) => void all.listen(0, '127.0.0.1', done));
  const at = all.address();
  assert.ok(typeof at === 'object' && at !== null);
  all.unref();
  return {
    address: `tcp!127.0.0.1!${at.port}`,
    sockets,
    close() {
      for (const s of sockets) s.destroy();
      all.close();
    },
  };
}

/** The connection is this process's line. */
export function joinSocket(s: Socket, r: Running): void {
  if (r.child.stdin) s.pipe(r.child.stdin);
  r.child.stdout?.pipe(s);
}
