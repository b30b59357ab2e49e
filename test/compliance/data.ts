/** bind, data, and reads that block. */
import assert from 'node:assert/strict';
import { omode } from '@9p/lib9p';
import { flush, request } from '../kit/index.js';
import { type Check, checkError, checkText, isPending, settle, thrown } from './bench.js';

const streams = ['event', 'log', 'pcap'] as const;

export const badBinds: Check = async (b) => {
  const dir = await b.clone();
  for (const path of ['nowhere', '/nowhere', `${dir}/data`, '/wire', '/'])
    checkText(await b.sh.refusal(`bind ${path}`, `${dir}/ctl`), path);
  await b.sh.echo('unbind', `${dir}/ctl`);
};

/** It is no link, but does no harm either. */
export const textBound: Check = async (b) => {
  const dir = await b.clone();
  await b.sh.echo(`bind ${b.root}/help`, `${dir}/ctl`);
  for (let i = 0; i < 10; i++) await settle();
  assert.match(await b.sh.cat(`${dir}/status`), /^\w/);
  await b.sh.echo('unbind', `${dir}/ctl`);
};

export const binds: Check = async (b) => {
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

export const dataDown: Check = async (b) => {
  const dir = await b.clone();
  const f = await b.sh.open(`${dir}/data`);
  checkError(await thrown(b.sh.write(f, 'a packet')), 'a write while down');
  assert.match(await b.sh.cat(`${dir}/status`), /^\w/, 'still there');
  f.close();
};

export const dataSizes: Check = async (b) => {
  const dir = await b.clone();
  await assert.rejects(b.sh.open(`${dir}/data`, omode.rdwr, 16), /^FileError: msize too small/);
  const f = await b.sh.open(`${dir}/data`, omode.rdwr, 65536);
  f.close();
};

export const flushedReads: Check = async (b) => {
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
export const hangupAborts: Check = async (b) => {
  const dir = await b.clone();
  await b.sh.echo(`bind ${await b.sh.clone('wire')}/data`, `${dir}/ctl`);
  let why: unknown;
  const connecting = b.sh.echo('connect', `${dir}/ctl`).catch((e) => {
    why = e;
  });
  const waits = await isPending(connecting);
  await b.sh.cat(`${dir}/status`);
  await b.sh.echo('hangup', `${dir}/ctl`);
  assert.ok(!(await isPending(connecting)), 'hangup ends it at once');
  if (waits || why !== undefined) checkError(why, 'connect');
};
