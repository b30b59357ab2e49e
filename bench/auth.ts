/**
 * MS-CHAPv2 logins a second, in the server role through rpc, beside the digests alone.
 *
 *     node dist/bench/auth.js [runs]
 *
 * One process. The floor computes for each login what a verification must: two MD4, SHA-1 of the
 * challenges, three DES, and SHA-1 five times for the master key and the authenticator response.
 * The runs alternate. The gate: at least half of the floor's rate.
 */
import { hex, utf8 } from '@9p/packet';
import type { Who } from 'slashnet/core';
import { realRandom } from 'slashnet/core';
import { parseAttrs } from '../plugins/auth/attr.js';
import { keyJudge } from '../plugins/auth/judge.js';
import { KeyRing } from '../plugins/auth/keys.js';
import * as ms from '../plugins/auth/mschap.js';
import { checkOf, promptOf } from '../plugins/auth/proto/table.js';
import { Rpc } from '../plugins/auth/rpc.js';
import { type Agent, Session } from '../plugins/auth/session.js';
import { load, median } from './common.js';

const logins = 20_000;
const ratio_min = 0.5;
const owner: Who = { uname: 'none', groups: [], owner: true };
const password = utf8('correct horse battery staple');
const user = 'glenda';

/** What the verification of one login computes. */
function digests(challenge: Uint8Array, peer: Uint8Array): Uint8Array {
  return ms.withHashes(password, (hash, hashHash) => {
    const both = ms.challengeHash(peer, challenge, user);
    const ntResponse = ms.challengeResponse(both, hash);
    ms.getMasterKey(hashHash, ntResponse);
    ms.authenticatorResponse(hashHash, ntResponse, both);
    return ntResponse;
  });
}

function agent(keys: number): Agent {
  const ring = new KeyRing({ promptOf, checkOf });
  const add = (name: string): void => {
    const key = utf8(
      `proto=mschapv2 service=ppp user=${name} !password='${new TextDecoder().decode(password)}'`,
    );
    ring.add(parseAttrs(key), owner);
  };
  add(user);
  for (let i = 1; i < keys; i++) add(`user${i}`);
  const nobody = { open: false } as Agent['needkey'];
  return {
    ring,
    random: realRandom,
    judge: keyJudge(ring),
    count: () => undefined,
    now: () => 0,
    tickets: () => Promise.reject(new Error('no network')),
    penalty: () => undefined,
    needkey: nobody,
    confirm: nobody,
    log: () => undefined,
    debug: false,
  };
}

const start = utf8('start proto=mschapv2 role=server service=ppp');
const read = utf8('read');
const name = utf8(`write ${user}`);
const write = utf8('write ');

/** A whole login: the session, its challenge, the name, the response, the verdict. */
function login(a: Agent, peer: Uint8Array): void {
  const rpc = new Rpc(new Session(a, owner, '1'), a, '1');
  const ask = (b: Uint8Array): Uint8Array => {
    rpc.write(b);
    return rpc.read(4096) as Uint8Array;
  };
  ask(start);
  const challenge = ask(read).slice(3);
  ask(name);
  const response = new Uint8Array(write.length + 48);
  response.set(write);
  response.set(peer, write.length);
  response.set(answers.get(hex(challenge)) ?? digests(challenge, peer), write.length + 24);
  const said = new TextDecoder().decode(ask(response));
  if (said !== 'ok') throw new Error(said);
  rpc.close();
}
/** The peer's own work is not ours to measure: challenges are drawn from a few, answered before. */
const answers = new Map<string, Uint8Array>();

function perSecond(f: () => void): number {
  const t0 = process.cpuUsage();
  for (let i = 0; i < logins; i++) f();
  const t = process.cpuUsage(t0);
  return logins / ((t.user + t.system) / 1e6);
}

const runs = Number(process.argv[2] ?? 9);
const peer = realRandom.bytes(16);
const challenges = Array.from({ length: 64 }, () => realRandom.bytes(16));
for (const c of challenges) answers.set(hex(c), digests(c, peer));
let turn = 0;
const next = (): Uint8Array => challenges[turn++ % challenges.length] as Uint8Array;
const a = agent(1);
const drawn: Agent = { ...a, random: { u32: () => 0, bytes: () => next().slice() } };
const measured: { floor: number; ours: number }[] = [];
for (let i = 0; i < runs; i++)
  measured.push({
    floor: perSecond(() => void digests(next(), peer)),
    ours: perSecond(() => login(drawn, peer)),
  });
const floor = median(measured.map((m) => m.floor));
const ours = median(measured.map((m) => m.ours));
const ratio = median(measured.map((m) => m.ours / m.floor));
console.log(`load ${load()}; ${runs} runs of ${logins}, in CPU seconds`);
console.log(`digests alone  ${floor.toFixed(0)} /s`);
console.log(`logins by rpc  ${ours.toFixed(0)} /s`);
console.log(`ratio ${ratio.toFixed(2)} (gate ${ratio_min})`);
process.exitCode = ratio >= ratio_min ? 0 : 1;
