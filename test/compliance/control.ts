/** The rules of ctl, and each verb with absurd arguments. */
import assert from 'node:assert/strict';
import { request } from '../kit/index.js';
import { type Bench, type Check, checkError, checkText, isPending } from './bench.js';

export const ctlLines: Check = async (b) => {
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

export const ctlErrors: Check = async (b) => {
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

/** A verb with whatever arguments does it, or refuses with a text made
 *  for people; it can be aborted. */
export const absurdArguments: Check = async (b) => {
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
