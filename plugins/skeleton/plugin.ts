/** skeleton: the plugin to copy. docs/skeleton.md tells how; this file is what core reads first:
 *  one record of a name, a limit, verbs, files and the function that makes a conversation. */
import { counters, type Layer, type Plugin, refuse } from 'slashnet/core';
import { SkeletonConversation } from './conv.js';
import { fmt } from './fmt.js';

const conversations_max = 256;

/** A layer's options have a verb each. A refusal is thrown; core adds the verb to its text. */
function shout(c: SkeletonConversation, [how = '']: readonly string[]): void {
  if (how !== 'on' && how !== 'off') throw refuse(`'${how}' is neither on nor off`);
  c.path.shouting = how === 'on';
}

const skeleton: Plugin = {
  name: 'skeleton',
  start(env) {
    const layer: Layer<SkeletonConversation> = {
      name: 'skeleton',
      limit: conversations_max,
      about: 'the plugin to copy: it makes letters upper case on their way down',
      // Reasons that are named here are shown at 0; others join when they first count.
      stats: counters(['notopen', 'short', 'badtype']),
      format: fmt,
      verbs: [{ name: 'shout', args: [1, 1], usage: 'shout on|off', run: shout }],
      files: [{ name: 'letters', perm: 0o444, text: (c) => `${c.path.letters}\n` }],
      create: (ctx) => new SkeletonConversation(ctx),
    };
    const served = env.serve(layer);
    return { stop: (why) => served.remove(why) };
  },
};
export default skeleton;
