/** The name space where it is asked for more than one bind: order, unions, what goes with whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memTree, type Node, omode, qt } from '@9p/lib9p';
import {
  type Conversation,
  counters,
  join,
  makeSystem,
  Port,
  refuse,
  type System,
} from 'slashnet/core';
import { owner, request, Shell } from '../kit/files.js';

function make(): { s: System; sh: Shell } {
  const s = makeSystem({ plugins: [], owner: 'glenda' });
  const idle: Conversation = { state: 'Idle', idle: true, status: () => '', close() {} };
  for (const name of ['a', 'b', 'c', 't'])
    s.env.serve({
      name,
      limit: 4,
      about: name,
      verbs: [],
      stats: counters(),
      rootFiles: [{ name: `in${name}`, perm: 0o444, text: () => name }],
      create: () => ({ ...idle }),
    });
  return { s, sh: new Shell(s) };
}

test('the lines of ns make the same name space again', async () => {
  const { s, sh } = make();
  for (const l of ['bind -b /a /t', 'bind -b /b /t', 'bind /t /a', 'bind -a /c /a'])
    await s.control(l);
  const said = await sh.cat('/ns');
  const again = make();
  const lines = said.split('\n').filter((l) => l !== '' && l !== 'alias /net');
  for (const l of lines) await again.s.control(l);
  assert.equal(await again.sh.cat('/ns'), said);
  for (const dir of ['/t', '/a']) assert.deepEqual(await again.sh.ls(dir), await sh.ls(dir));
  assert.deepEqual(
    (await sh.ls('/t')).filter((n) => n.startsWith('in')),
    ['inb', 'ina', 'int'],
  );
  // A union that is bound elsewhere is seen there whole.
  assert.ok((await sh.ls('/a')).includes('inb'));
});

test('replace after before and after: what ns says is what there is', async () => {
  const { s, sh } = make();
  for (const l of ['bind -b /a /t', 'bind /b /t', 'bind -b /c /t']) await s.control(l);
  assert.equal(await sh.cat('/ns'), 'alias /net\nbind /b /t\nbind -b /c /t\n');
});

test('a bind from or onto a conversation goes with it; its number starts bare', async () => {
  const { s, sh } = make();
  await sh.clone('a');
  await s.control('bind /a/0 /t');
  await s.control('bind -a /b /a/0');
  assert.ok((await sh.ls('/a/0')).includes('inb'));
  await sh.echo('close', '/a/0/ctl');
  assert.equal(await sh.cat('/ns'), 'alias /net\n');
  assert.ok(!(await sh.ls('/a')).includes('0'));
  assert.ok((await sh.ls('/t')).includes('int'));
  assert.equal(await sh.clone('a'), '/a/0');
  assert.ok(!(await sh.ls('/a/0')).includes('inb'));
});

/** A directory of a machine that is gone. */
const lost: Node = {
  qid: { type: qt.dir, vers: 0, path: 1n << 60n },
  name: 'far',
  stat: () => Promise.reject(refuse('hungup')),
  walk: () => Promise.reject(refuse('hungup')),
  list: () => Promise.reject(refuse('hungup')),
  open: () => Promise.reject(refuse('hungup')),
  wstat: () => undefined,
};

test('a lost element of a union hides neither the others nor that a name is missing', async () => {
  const { s, sh } = make();
  s.ns.graft(lost, '/n/far', 'mount tcp!far /n/far');
  for (const how of ['-a', '-b']) {
    await s.control(`bind ${how} /n/far /t`);
    assert.ok((await sh.ls('/t')).includes('int'));
    assert.equal(await sh.cat('/t/int'), 't');
    await assert.rejects(sh.cat('/t/nosuch'), /is not in the name space/);
    await s.control('unbind /t');
  }
  await assert.rejects(sh.ls('/n/far'), /hungup/);
});

test('the root as prefix is no prefix', async () => {
  const { sh } = make();
  await sh.echo('prefix /n/here', '/ctl');
  assert.equal(await sh.cat('/n/here/a/ina'), 'a');
  await sh.echo('prefix /', '/ctl');
  assert.ok((await sh.ls('/')).includes('a'));
  await assert.rejects(sh.cat('/n/here/a/ina'), /is not in the name space/);
});

test('the ctl of a clone is a ctl: its stat says so', async () => {
  const { s, sh } = make();
  const f = await (await s.ns.walk('/a/clone', sh.who)).open(0, request());
  assert.equal((await f.node?.stat())?.name, 'ctl');
  f.close();
});

test('sixteen layers and no more, from whichever end they are bound', () => {
  const port = (name: string): Port =>
    new Port({ name, framing: 'packet', mtu: () => 1500, take: () => undefined });
  const layers = Array.from({ length: 30 }, (_, i) => {
    const [upper, lower] = [port(`/${i}/data`), port(`/${i}/lower`)];
    upper.through = lower;
    lower.through = upper;
    return { upper, lower };
  });
  let bound = 0;
  assert.throws(() => {
    for (; bound < 29; bound++)
      join(layers[bound]?.lower as Port, layers[bound + 1]?.upper as Port);
  }, /bound too deep: 16 layers/);
  assert.ok(bound <= 16);
});

test('files are made and removed in a tree that was mounted, and in no union', async () => {
  const { s, sh } = make();
  const far = await memTree({ dir: {} }, { writable: true }).attach(owner, '');
  s.ns.graft(far, '/n/far', 'mount');
  const at = async (path: string) => s.ns.walk(path, owner);
  const dir = await at('/n/far/dir');
  (await dir.create?.('new', 0o644, omode.write, request()))?.close();
  assert.deepEqual(await sh.ls('/n/far/dir'), ['new']);
  await assert.rejects(async () => dir.remove?.(request()), { message: 'directory is not empty' });
  await (await at('/n/far/dir/new')).remove?.(request());
  await dir.remove?.(request());
  assert.deepEqual(await sh.ls('/n/far'), []);
  assert.equal((await at('/a')).create, undefined);
  await s.control('bind -a /n/far /a');
  assert.equal((await at('/a')).create, undefined);
});
