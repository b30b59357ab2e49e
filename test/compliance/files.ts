/** The standard files of a layer: names, modes, owners, and the form of their texts. */
import assert from 'node:assert/strict';
import { omode, qt } from '@9p/lib9p';
import { words } from 'slashnet/core';
import { request } from '../kit/index.js';
import { type Check, stat } from './bench.js';

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

export const standardFiles: Check = async (b) => {
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

export const qidsDiffer: Check = async (b) => {
  const dirs = [b.root, await b.clone(), await b.clone()];
  const seen = new Map<bigint, string>();
  for (const dir of dirs)
    for (const name of await b.sh.ls(dir)) {
      const { qid } = await stat(b, `${dir}/${name}`);
      assert.equal(seen.get(qid.path), undefined, `${dir}/${name}`);
      seen.set(qid.path, `${dir}/${name}`);
    }
};

export const owners: Check = async (b) => {
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

export const textsBySlices: Check = async (b) => {
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

export const statusForm: Check = async (b) => {
  const dir = await b.clone();
  const status = await b.sh.cat(`${dir}/status`);
  if (b.l.ownStatus !== true) {
    assert.match(status, /^[A-Z][\w-]*( [^\n]*)?\n$/, 'one line that begins with the state');
    assert.equal(words(status).length % 2, 1, `pairs after the state: ${status}`);
  }
  for (const name of ['local', 'remote'])
    assert.match(await b.sh.cat(`${dir}/${name}`), /^([^\n]+\n)*$/, name);
};

export const statsForm: Check = async (b) => {
  const dir = await b.clone();
  for (const path of [`${b.root}/stats`, `${dir}/stats`])
    assert.match(await b.sh.cat(path), /^([a-z][a-z0-9 ]*: \w+\n)*$/, path);
  assert.match(await b.sh.cat(`${b.root}/stats`), /^conversations: 1$/m);
};

export const helpTells: Check = async (b) => {
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
