/** ppp: the Point-to-Point Protocol as a layer. docs/ppp.md says what its files and verbs are. */
import { linkType } from '@9p/packet';
import { counters, type Layer, type Plugin } from 'slashnet/core';
import { PppConversation } from './conv.js';
import { fmtPpp } from './fmt.js';
import { pathDrops } from './path.js';
import { Addresses } from './pool.js';
import { authText, ccpText, dnsText, ipcpText, ipv6cpText, lcpText, qualityText } from './texts.js';
import { verbs } from './verbs.js';

const conversations_max = 4096;

const ppp: Plugin = {
  name: 'ppp',
  start(env) {
    const addresses = new Addresses();
    const layer: Layer<PppConversation> = {
      name: 'ppp',
      limit: conversations_max,
      about: 'the Point-to-Point Protocol: IP packets in data, PPP frames below',
      stats: counters([...pathDrops]),
      linkType: linkType.ppp,
      format: fmtPpp,
      verbs,
      files: [
        { name: 'lcp', perm: 0o444, text: lcpText },
        { name: 'ipcp', perm: 0o444, text: ipcpText },
        { name: 'ipv6cp', perm: 0o444, text: ipv6cpText },
        { name: 'ccp', perm: 0o444, text: ccpText },
        { name: 'auth', perm: 0o444, text: authText },
        { name: 'quality', perm: 0o444, text: qualityText },
        { name: 'dns', perm: 0o444, text: dnsText },
      ],
      create: (ctx) => new PppConversation(ctx, addresses),
    };
    const served = env.serve(layer);
    return { stop: (why) => served.remove(why) };
  },
};
export default ppp;
