/** The automaton against the table that RFC 1661 prints. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Action,
  type Event,
  events,
  Fsm,
  parseCell,
  parseTable,
  type State,
  states,
  table,
} from '../../plugins/ppp/fsm.js';

/** The RFC's rows: its table comes in two halves, of six and of four states. */
function printed(): Map<string, string[]> {
  const file = new URL('../../../test/golden/rfc1661-table.txt', import.meta.url);
  const rows = new Map<string, string[]>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [event, cells] = line.split('|').map((s) => s.trim());
    if (event === undefined || !events.includes(event as Event) || !cells) continue;
    rows.set(event, [...(rows.get(event) ?? []), ...cells.split(/\s+/)]);
  }
  return rows;
}

test('all 160 cells are those that the RFC prints', () => {
  const rfc = printed();
  let compared = 0;
  for (const event of events) {
    const row = rfc.get(event) ?? [];
    assert.equal(row.length, states.length, event);
    row.forEach((want, i) => {
      assert.deepEqual(table[event][i], parseCell(want), `${event} in ${states[i]}: ${want}`);
      compared++;
    });
  }
  assert.equal(compared, 160);
});

test('a table with a fault does not load', () => {
  const row = (s: string) => `${s}${' -'.repeat(9)}`;
  assert.throws(() => parseTable(row('Up xyz/1')), /unknown action xyz/);
  assert.throws(() => parseTable(row('Up tls')), /bad cell tls/);
  assert.throws(() => parseTable(row('Upp 1')), /bad event Upp/);
  assert.throws(() => parseTable('Up 1 2'), /Up: 2 cells/);
  assert.throws(() => parseTable(row('Up 1')), /events are missing/);
  assert.throws(() => parseTable(`${row('Up 1')}\n${row('Up 1')}`), /bad event Up/);
});

function recorder(o: { passive?: boolean; silent?: boolean; restart?: boolean } = {}) {
  const done: string[] = [];
  const actor = {
    act: (a: Action) => void done.push(a),
    impossible: (e: Event, s: State) => void done.push(`illegal ${e} ${s}`),
  };
  const fsm = new Fsm<never>(actor, { passive: false, restart: false, ...o });
  return { fsm, done };
}

test('actions run in the order of the cell, and what cannot happen changes nothing', () => {
  const { fsm, done } = recorder();
  for (const e of ['Open', 'Up', 'RCR+', 'RCA', 'RTR', 'Up'] as const) fsm.step(e, 0);
  assert.deepEqual(done, [
    ...['tls', 'irc', 'scr', 'sca', 'irc', 'tlu', 'tld', 'zrc', 'sta'],
    'illegal Up Stopping',
  ]);
  assert.equal(fsm.state, 'Stopping');
});

test('a silent one waits in Stopped from the start, and answers the first request', () => {
  const { fsm, done } = recorder({ silent: true });
  fsm.step('Open', 0);
  fsm.step('Up', 0);
  assert.equal(fsm.state, 'Stopped');
  assert.equal(fsm.timed, false);
  fsm.step('RCR+', 0);
  assert.equal(fsm.state, 'Ack-Sent');
  assert.deepEqual(done, ['tls', 'irc', 'scr', 'sca']);
});

test('the passive option waits in Stopped without finishing', () => {
  for (const passive of [false, true]) {
    const { fsm, done } = recorder({ passive });
    for (const e of ['Open', 'Up', 'TO-'] as const) fsm.step(e, 0);
    assert.equal(fsm.state, 'Stopped');
    assert.equal(done.includes('tlf'), !passive);
  }
});

test('the restart option makes Open begin again', () => {
  const { fsm, done } = recorder({ restart: true });
  for (const e of ['Open', 'Up', 'RCR+', 'RCA', 'Open'] as const) fsm.step(e, 0);
  assert.equal(fsm.state, 'Req-Sent');
  assert.deepEqual(done.slice(-3), ['tld', 'irc', 'scr']);
});

test('an event that an action raises waits until the step is done', () => {
  const done: string[] = [];
  const act = (a: Action): void => {
    done.push(a);
    if (a === 'tld') fsm.step('Close', 0);
  };
  const fsm = new Fsm<never>({ act, impossible() {} }, { passive: false, restart: false });
  for (const e of ['Open', 'Up', 'RCR+', 'RCA', 'RCR+'] as const) fsm.step(e, 0);
  assert.deepEqual(done.slice(-5), ['tld', 'scr', 'sca', 'irc', 'str']);
  assert.equal(fsm.state, 'Closing');
});
