/** What every layer has in common: a test for each check. */
import { test } from 'node:test';
import { benchOf, type Check } from './bench.js';
import { bugsContained } from './bugs.js';
import { absurdArguments, ctlErrors, ctlLines } from './control.js';
import {
  badBinds,
  binds,
  dataDown,
  dataSizes,
  flushedReads,
  hangupAborts,
  textBound,
} from './data.js';
import {
  helpTells,
  owners,
  qidsDiffer,
  standardFiles,
  statsForm,
  statusForm,
  textsBySlices,
} from './files.js';
import type { LayerUnderTest } from './layers.js';
import {
  closeEndsReaders,
  keepNokeep,
  keptLives,
  limit,
  neverUsedGoes,
  stopLeavesNothing,
  unkeptGoes,
  unloadAndLoad,
} from './life.js';

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
    ['what throws loses its conversation only', bugsContained],
    [
      'hangup ends a connect that waits',
      hangupAborts,
      l.bindable === true && l.noHandshake !== true,
    ],
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
        await b.stop();
      }
    });
}
