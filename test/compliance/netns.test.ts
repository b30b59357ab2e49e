/** Layers on an Ethernet interface against what all have in common, in a network namespace. */
import { inNetns, sh } from '../kit/index.js';
import { layers } from './layers.js';
import { holdLayer } from './suite.js';

if (inNetns(import.meta.url, 'layers on an Ethernet interface')) {
  sh('ip link add eth7 type veth peer name eth8 && ip link set eth7 up');
  for (const l of layers) if (l.netns === true) holdLayer(l, false);
}
