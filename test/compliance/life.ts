/** How long conversations and layers live. */
import assert from 'node:assert/strict';
import { omode } from '@9p/lib9p';
import { type Check, checkError, exists, settle, stat, thrown } from './bench.js';

export const keptLives: Check = async (b) => {
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

export const unkeptGoes: Check = async (b) => {
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

export const keepNokeep: Check = async (b) => {
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

export const neverUsedGoes: Check = async (b) => {
  const [idle, used] = [await b.clone(), await b.clone()];
  await b.sh.echo('keep', `${used}/ctl`);
  await b.clock.run(11 * 60_000);
  await b.sh.ls(b.root); // when somebody looks
  assert.ok(!(await exists(b, `${idle}/status`)), 'never written to: it goes after 10 minutes');
  assert.ok(await exists(b, `${used}/status`), 'written to: it stays');
};

const most = 20_000;

export const limit: Check = async (b) => {
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

export const closeEndsReaders: Check = async (b) => {
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

export const unloadAndLoad: Check = async (b) => {
  await b.clone();
  await b.s.control(`unload ${b.l.plugin}`);
  await assert.rejects(b.clone(), /not in the name space/);
  await b.s.control(`load ${b.l.plugin} ${b.l.load ?? ''}`.trim());
  await b.clone();
};

export const stopLeavesNothing: Check = async (b) => {
  await b.clone();
  await b.s.stop('test');
  assert.ok(b.clock.deadline() > b.clock.now() + 60_000, 'a timer was left');
};
