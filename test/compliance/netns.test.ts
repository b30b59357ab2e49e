/** Layers on an Ethernet interface against what all have in common, in a network namespace. */
import { missing } from '@9p/rawio';
import { inNetns, sh } from '../kit/index.js';
import { layers } from './layers.js';
import { holdLayer } from './suite.js';

inNetns(import.meta.url, 'layers on an Ethernet interface', () => {
  if (missing === undefined) sh('ip link add eth7 type veth peer name eth8 && ip link set eth7 up');
  for (const l of layers) if (l.netns === true) holdLayer(l, missing ?? false);
});
