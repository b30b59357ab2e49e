/** What every layer has in common, DESIGN of files: each check is given a layer that was just loaded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { omode, qt } from '@9p/lib9p';
import { makeSystem, type System, words } from 'slashnet/core';
import { flush, request, Shell, serveWire, VirtualClock } from '../kit/index.js';
import type { LayerUnderTest } from './layers.js';

/** A system with the layer in it. */
export interface Bench {
  readonly l: LayerUnderTest;
  readonly s: System;
  readonly sh: Shell;
  readonly clock: VirtualClock;
  /** "/skeleton" */
  readonly root: string;
  /** A kept conversation's directory. */
  clone(): Promise<string>;
}
export type Check = (b: Bench) => Promise<void>;

export const pluginDir = new URL('../../plugins', import.meta.url).pathname;

export async function benchOf(l: LayerUnderTest): Promise<Bench> {
  const clock = new VirtualClock();
  const s = makeSystem({ plugins: [pluginDir], clock, poison: true, owner: 'glenda' });
  serveWire(s.env);
  for (const p of l.after ?? []) await s.control(`load ${p}`);
  await s.control(`load ${l.plugin} ${l.load ?? ''}`.trim());
  const sh = new Shell(s);
  const layer = l.layer ?? l.plugin;
  return { l, s, sh, clock, root: `/${layer}`, clone: () => sh.clone(layer) };
}

const bob = { uname: 'bob', groups: [], owner: false };
const friend = { uname: 'eve', groups: ['slashnet'], owner: false };

const rootModes = { clone: 0o666, stats: 0o444, help: 0o444 };
const modes = {
  ctl: 0o660,
  data: 0o660,
  status: 0o444,
  stats: 0o444,
  local: 0o444,
  remote: 0o444,
  err: 0o444,
  event: 0o440,
  log: 0o440,
  pcap: 0o440,
  help: 0o444,
};
/** They are made anew by each read at offset 0, and never block. */
const texts = ['status', 'stats', 'local', 'remote', 'err', 'help', 'ctl'] as const;
const streams = ['event', 'log', 'pcap'] as const;
/** Printed by whoever wrote a program, not for its user. */
const bugs = /undefined|NaN|\[object|is not a function|is not iterable|cannot read|plugin error/i;
const error_bytes = 127;

const stat = async (b: Bench, path: string) => (await b.s.ns.walk(path, b.sh.who)).stat();
const exists = async (b: Bench, path: string) =>
  b.sh.open(path, omode.read).then(
    (f) => {
      f.close();
      return true;
    },
    () => false,
  );
const settle = () => new Promise((done) => setImmediate(done));

async function isPending(p: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const done = () => {
    pending = false;
  };
  p.then(done, done);
  for (let i = 0; i < 3; i++) await settle();
  return pending;
}

const thrown = (p: Promise<unknown>): Promise<unknown> =>
  p.then(
    () => undefined,
    (e) => e,
  );

function checkError(e: unknown, what: string): void {
  assert.equal((e as Error).name, 'FileError', `${what}: ${e}`);
  checkText((e as Error).message, what);
}
function checkText(t: string, what: string): void {
  assert.ok(Buffer.byteLength(t) <= error_bytes, `${what}: '${t}' is over 127 bytes`);
  assert.doesNotMatch(t, /\n/, what);
  assert.doesNotMatch(t, bugs, what);
  assert.match(t, /^[\p{Ll}\d'"/#]/u, `${what}: '${t}' begins in lower case`);
}

// Files --------------------------------------------------------------------------------------------

const standardFiles: Check = async (b) => {
  const dir = await b.clone();
  const expected = { ...modes, ...(b.l.calls === true ? { listen: 0o660 } : {}) };
  const want = [
    ...Object.entries({ ...rootModes, ...b.l.modes }).map(([n, m]) => [`${b.root}/${n}`, m]),
    ...Object.entries(expected).map(([n, m]) => [`${dir}/${n}`, m]),
  ] as [string, number][];
  for (const [path, mode] of want) {
    const d = await stat(b, path);
    assert.equal(d.mode.toString(8), mode.toString(8), path);
    assert.equal(d.gid, 'slashnet', path);
  }
  for (const path of [b.root, dir]) {
    const d = await stat(b, path);
    assert.equal((d.mode & 0o777).toString(8), '555', path);
    assert.equal(d.qid.type, qt.dir, path);
  }
};

const qidsDiffer: Check = async (b) => {
  const dirs = [b.root, await b.clone(), await b.clone()];
  const seen = new Map<bigint, string>();
  for (const dir of dirs)
    for (const name of await b.sh.ls(dir)) {
      const { qid } = await stat(b, `${dir}/${name}`);
      assert.equal(seen.get(qid.path), undefined, `${dir}/${name}`);
      seen.set(qid.path, `${dir}/${name}`);
    }
};

const owners: Check = async (b) => {
  const theirs = b.sh.as(bob);
  const dir = await theirs.clone(b.root.slice(1));
  assert.equal((await stat(b, `${dir}/ctl`)).uid, 'bob');
  await theirs.echo('keep', `${dir}/ctl`);
  await b.sh.echo('keep', `${dir}/ctl`); // the daemon's owner passes always
  const mine = await b.clone();
  for (const name of ['ctl', 'event', 'log', 'pcap', 'data'])
    await assert.rejects(
      theirs.open(`${mine}/${name}`, omode.read),
      /^FileError: permission denied/,
    );
  for (const name of ['status', 'stats', 'err', 'help']) await theirs.cat(`${mine}/${name}`);
  await b.sh.as(friend).echo('keep', `${mine}/ctl`);
  await assert.rejects(b.sh.as(friend).echo('x', `${mine}/status`), /permission denied/);
};

const textsBySlices: Check = async (b) => {
  const dir = await b.clone();
  for (const name of texts) {
    const f = await b.sh.open(`${dir}/${name}`, omode.read);
    const whole = Buffer.from(await f.read(1 << 16, 0, request()));
    const parts: Uint8Array[] = [];
    for (let at = 0; ; at += 3) {
      const r = await f.read(3, at, request());
      if (r.length === 0) break;
      parts.push(r.slice());
    }
    assert.equal(Buffer.concat(parts).toString(), whole.toString(), name);
    assert.equal((await f.read(10, 1 << 20, request())).length, 0, name);
    f.close();
  }
};

const statusForm: Check = async (b) => {
  const dir = await b.clone();
  const status = await b.sh.cat(`${dir}/status`);
  assert.match(status, /^[A-Z][\w-]*( [^\n]*)?\n$/, 'one line that begins with the state');
  assert.equal(words(status).length % 2, 1, `pairs after the state: ${status}`);
  for (const name of ['local', 'remote'])
    assert.match(await b.sh.cat(`${dir}/${name}`), /^([^\n]+\n)*$/, name);
};

const statsForm: Check = async (b) => {
  const dir = await b.clone();
  for (const path of [`${b.root}/stats`, `${dir}/stats`])
    assert.match(await b.sh.cat(path), /^([a-z][a-z0-9 ]*: \w+\n)*$/, path);
  assert.match(await b.sh.cat(`${b.root}/stats`), /^conversations: 1$/m);
};

const helpTells: Check = async (b) => {
  const dir = await b.clone();
  for (const path of [`${b.root}/help`, `${dir}/help`]) {
    const help = new Set((await b.sh.cat(path)).split(/\s+/));
    for (const where of [b.root, dir])
      for (const name of await b.sh.ls(where))
        if (!/^\d+$/.test(name)) assert.ok(help.has(name), `${path} has not ${name}`);
    for (const verb of ['bind', 'unbind', 'connect', 'hangup', 'close', 'keep', 'nokeep', 'redial'])
      assert.ok(help.has(verb), `${path} has not ${verb}`);
  }
};

// Life ---------------------------------------------------------------------------------------------

const keptLives: Check = async (b) => {
  const dir = await b.clone();
  for (const name of ['ctl', 'status', 'event']) (await b.sh.open(`${dir}/${name}`, 0)).close();
  assert.ok(await exists(b, `${dir}/status`), 'it is kept');
  const before = await stat(b, dir);
  await b.sh.echo('close', `${dir}/ctl`);
  await settle();
  assert.ok(!(await exists(b, `${dir}/status`)), 'close frees it');
  assert.deepEqual(
    (await b.sh.ls(b.root)).filter((n) => /^\d+$/.test(n)),
    [],
  );
  assert.equal(await b.clone(), dir, 'the number is used again');
  assert.notEqual((await stat(b, dir)).qid.path, before.qid.path, 'the qid is not');
};

const unkeptGoes: Check = async (b) => {
  const ctl = await b.sh.open(`${b.root}/clone`);
  const dir = `${b.root}/${await b.sh.read(ctl)}`;
  assert.equal((await stat(b, `${dir}/ctl`)).qid.path, ctl.qid.path, 'the fid is its ctl');
  const other = await b.sh.open(`${dir}/ctl`);
  const event = await b.sh.open(`${dir}/event`, omode.read);
  ctl.close();
  await settle();
  assert.ok(await exists(b, `${dir}/status`), 'ctl is open still');
  other.close();
  await settle();
  assert.ok(!(await exists(b, `${dir}/status`)), 'an open event does not count');
  event.close();
};

const keepNokeep: Check = async (b) => {
  const ctl = await b.sh.open(`${b.root}/clone`);
  const dir = `${b.root}/${await b.sh.read(ctl)}`;
  await b.sh.write(ctl, 'keep');
  ctl.close();
  await settle();
  assert.ok(await exists(b, `${dir}/status`));
  await b.sh.echo('nokeep', `${dir}/ctl`);
  await settle();
  assert.ok(!(await exists(b, `${dir}/status`)));
};

const neverUsedGoes: Check = async (b) => {
  const [idle, used] = [await b.clone(), await b.clone()];
  await b.sh.echo('keep', `${used}/ctl`);
  await b.clock.run(11 * 60_000);
  await b.sh.ls(b.root); // when somebody looks
  assert.ok(!(await exists(b, `${idle}/status`)), 'never written to: it goes after 10 minutes');
  assert.ok(await exists(b, `${used}/status`), 'written to: it stays');
};

const most = 20_000;

const limit: Check = async (b) => {
  const held = [];
  let why: unknown;
  while (why === undefined && held.length < most)
    try {
      held.push(await b.sh.open(`${b.root}/clone`));
    } catch (e) {
      why = e;
    }
  checkError(why, `after ${held.length}`);
  assert.match((why as Error).message, /no free conversations|limit/);
  for (const f of held) f.close();
  await settle();
  assert.match(await b.sh.cat(`${b.root}/stats`), /^conversations: 0$/m);
  const n = held.length;
  for (let i = 0; i < n + 1; i++) await b.clone(); // at the limit the oldest that is idle goes
  assert.match(await b.sh.cat(`${b.root}/stats`), new RegExp(`^conversations: ${n}$`, 'm'));
};

const closeEndsReaders: Check = async (b) => {
  const dir = await b.clone();
  const events = [];
  for (const name of ['event', 'log'] as const) events.push(await b.sh.open(`${dir}/${name}`, 0));
  const reads = events.map((f) => b.sh.read(f));
  await b.sh.echo('close', `${dir}/ctl`);
  for (const [i, f] of events.entries()) {
    let got = await reads[i];
    while (got !== '') got = await b.sh.read(f);
    checkError(await thrown(b.sh.read(f)), 'after the end');
    f.close();
  }
};

const unloadAndLoad: Check = async (b) => {
  await b.clone();
  await b.s.control(`unload ${b.l.plugin}`);
  await assert.rejects(b.clone(), /not in the name space/);
  await b.s.control(`load ${b.l.plugin} ${b.l.load ?? ''}`.trim());
  await b.clone();
};

const stopLeavesNothing: Check = async (b) => {
  await b.clone();
  await b.s.stop('test');
  assert.ok(b.clock.deadline() > b.clock.now() + 60_000, 'a timer was left');
};

// ctl ----------------------------------------------------------------------------------------------

const ctlLines: Check = async (b) => {
  const dir = await b.clone();
  assert.equal(await b.sh.cat(`${dir}/ctl`), dir.slice(dir.lastIndexOf('/') + 1));
  for (const text of [
    'keep',
    'keep\n',
    'keep\r\n',
    '\n\n  keep\t\n\n',
    '',
    '\n',
    'keep\nnokeep\nkeep',
  ])
    await b.sh.echo(text, `${dir}/ctl`);
  const f = await b.sh.open(`${dir}/ctl`);
  assert.equal(await f.write(Buffer.from('keep\n'), 0, request()), 5);
  f.close();
  const node = await b.s.ns.walk(`${dir}/ctl`, b.sh.who);
  await node.wstat({ length: 0n }, request());
  await node.wstat({ mtime: 1 }, request());
};

const ctlErrors: Check = async (b) => {
  const dir = await b.clone();
  const say = (text: string) => b.sh.refusal(text, `${dir}/ctl`);
  assert.equal(await say('frobnicate now'), 'unknown control message: frobnicate');
  assert.equal(await b.sh.cat(`${dir}/err`), 'unknown control message: frobnicate\n');
  assert.match(await say('keep\n\nfrobnicate\nkeep'), /^line 3: unknown control message/);
  assert.match(await say('keep it'), /^bad # args to control message/);
  assert.match(await say("bind '/net"), /^unmatched quote: bind$/);
  assert.match(await say(`keep ${'x'.repeat(8300)}`), /^control message too long/);
  for (const long of ['x', 'é', '😀'])
    for (const text of [
      long.repeat(1000),
      `keep ${long.repeat(500)}`,
      `redial ${long.repeat(500)}`,
    ])
      checkText(await say(text), text.slice(0, 12));
};

/** Each verb of `help`, with how many arguments its usage has. */
async function verbsOf(b: Bench): Promise<string[]> {
  const help = await b.sh.cat(`${b.root}/help`);
  const lines = help.slice(help.indexOf('verbs of')).split('\n').slice(1);
  return lines.map((l) => l.trim().split(' ')[0] ?? '').filter((v) => v !== '');
}

const absurd = [
  '',
  'x',
  '0',
  '-1',
  '1e9',
  '99999999999999999999',
  '0x10',
  '%',
  '../..',
  '/',
  '1.2.3',
];
absurd.push(
  'on',
  'tcp!x!y',
  '::',
  '00:00:00:00:00:00',
  '\u0001',
  '😀',
  'y'.repeat(3000),
  'a=b',
  '!p=q',
);

/** A verb with whatever arguments does it, or refuses with a text made for people; it can be aborted. */
const absurdArguments: Check = async (b) => {
  const quoted = absurd.map((a) => `'${a}'`);
  for (const verb of await verbsOf(b)) {
    const lines = [
      verb,
      ...quoted.map((a) => `${verb} ${a}`),
      `${verb} x y`,
      `${verb} 1 2 3 4 5 6 7`,
    ];
    for (const [i, line] of lines.entries()) {
      const dir = await b.clone();
      const p = b.sh.echo(line, `${dir}/ctl`).catch((e) => checkError(e, line.slice(0, 60)));
      if (await isPending(p)) {
        await b.sh.echo('hangup', `${dir}/ctl`);
        await p;
      }
      if (verb !== 'close' || i > 0) await b.sh.echo('close', `${dir}/ctl`).catch(() => undefined);
    }
  }
};

// Binding, data, streams -----------------------------------------------------------------------------

const badBinds: Check = async (b) => {
  const dir = await b.clone();
  for (const path of ['nowhere', '/nowhere', `${dir}/data`, '/wire', '/'])
    checkText(await b.sh.refusal(`bind ${path}`, `${dir}/ctl`), path);
  await b.sh.echo('unbind', `${dir}/ctl`);
};

/** It is no link, but does no harm either. */
const textBound: Check = async (b) => {
  const dir = await b.clone();
  await b.sh.echo(`bind ${b.root}/help`, `${dir}/ctl`);
  for (let i = 0; i < 10; i++) await settle();
  assert.match(await b.sh.cat(`${dir}/status`), /^[A-Z]/);
  await b.sh.echo('unbind', `${dir}/ctl`);
};

const binds: Check = async (b) => {
  const [one, two, wire] = [await b.clone(), await b.clone(), await b.sh.clone('wire')];
  const event = await b.sh.open(`${one}/event`, omode.read);
  const bind = `bind ${wire}/data`;
  await b.sh.echo(bind, `${one}/ctl`);
  assert.equal(await b.sh.read(event), `${bind}\n`);
  assert.match(await b.sh.refusal(bind, `${one}/ctl`), /is bound: unbind it first/);
  assert.match(await b.sh.refusal(bind, `${two}/ctl`), /^connection in use/);
  await assert.rejects(b.sh.open(`${wire}/data`), /connection in use/);
  await b.sh.echo('unbind', `${one}/ctl`);
  assert.match(await b.sh.read(event), /^unbind /);
  await b.sh.echo(`bind /net${wire}/data`, `${two}/ctl`);
  await b.sh.echo('close', `${wire}/ctl`);
  await settle();
  await b.sh.echo(`bind ${await b.sh.clone('wire')}/data`, `${two}/ctl`);
};

const dataDown: Check = async (b) => {
  const dir = await b.clone();
  const f = await b.sh.open(`${dir}/data`);
  checkError(await thrown(b.sh.write(f, 'a packet')), 'a write while down');
  assert.match(await b.sh.cat(`${dir}/status`), /^[A-Z]/, 'still there');
  f.close();
};

const dataSizes: Check = async (b) => {
  const dir = await b.clone();
  await assert.rejects(b.sh.open(`${dir}/data`, omode.rdwr, 16), /^FileError: msize too small/);
  const f = await b.sh.open(`${dir}/data`, omode.rdwr, 65536);
  f.close();
};

const flushedReads: Check = async (b) => {
  const dir = await b.clone();
  const names = b.l.noPackets === true ? streams : ([...streams, 'data'] as const);
  for (const name of names) {
    const f = await b.sh.open(`${dir}/${name}`, name === 'data' ? omode.rdwr : omode.read);
    if (name === 'pcap') await b.sh.read(f); // its header is there at once
    const [first, second] = [request(), request()];
    const reads = [b.sh.read(f, 100, first), b.sh.read(f, 100, second)];
    const [one, two] = reads as [Promise<string>, Promise<string>];
    const gone = assert.rejects(one, /^FileError: interrupted/, name);
    assert.ok(await isPending(two), `${name} blocks`);
    flush(first);
    await gone;
    assert.ok(await isPending(two), `${name}: the other read still waits`);
    f.close();
    await two.catch((e) => checkError(e, name));
  }
};

/** Reads of status are not held up by a verb that waits, and hangup ends it. */
const hangupAborts: Check = async (b) => {
  const dir = await b.clone();
  await b.sh.echo(`bind ${await b.sh.clone('wire')}/data`, `${dir}/ctl`);
  const connecting = b.sh.refusal('connect', `${dir}/ctl`);
  if (!(await isPending(connecting))) return checkText(await connecting, 'connect');
  await b.sh.cat(`${dir}/status`);
  await b.sh.echo('hangup', `${dir}/ctl`);
  assert.ok(!(await isPending(connecting)), 'hangup ends it at once');
  checkText(await connecting, 'connect');
};

/** The checks for a layer, by name. */
function checksOf(l: LayerUnderTest): readonly (readonly [string, Check])[] {
  const all: readonly (readonly [string, Check, boolean?])[] = [
    ['standard files, their modes and groups', standardFiles],
    ['no two files have one qid', qidsDiffer],
    ['who opens clone owns it; others read', owners],
    ['texts by slices', textsBySlices],
    ['status: the state, then pairs', statusForm],
    ['stats: name: value', statsForm],
    ['help lists every file and verb', helpTells],
    ['a clone read is kept until close', keptLives],
    ['a clone written to goes with its last close', unkeptGoes],
    ['keep and nokeep', keepNokeep],
    ['a kept one that nobody used goes', neverUsedGoes],
    ['its limit', limit],
    ['close ends the readers of event and log', closeEndsReaders],
    ['unload and load again', unloadAndLoad],
    ['stop leaves no timer', stopLeavesNothing],
    ['ctl: lines, blanks, CR, truncation', ctlLines],
    ['ctl: error texts', ctlErrors],
    ['each verb with absurd arguments', absurdArguments],
    ['bind: what is refused', badBinds],
    ['bind, unbind, in use, gone', binds, l.bindable === true],
    ['a text bound', textBound, l.bindable === true],
    ['data while down', dataDown],
    ['data and small messages', dataSizes, l.noPackets !== true && l.lateMtu !== true],
    ['blocked reads can be interrupted', flushedReads],
    ['hangup ends a connect that waits', hangupAborts, l.bindable === true],
  ];
  return all.filter(([, , applies]) => applies !== false).map(([name, check]) => [name, check]);
}

/** A test for each check, each with a system of its own. */
export function holdLayer(l: LayerUnderTest, skip: string | false): void {
  for (const [name, check] of checksOf(l))
    test(`${l.layer ?? l.plugin}: ${name}`, { skip }, async () => {
      const b = await benchOf(l);
      try {
        await check(b);
      } finally {
        await b.s.stop('the test is over');
      }
    });
}
