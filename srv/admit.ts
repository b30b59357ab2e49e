/** Who may attach, and to what: `allow glenda /ppp` at the root's ctl. Until there was a rule
 *  everybody may who has proven his name; the daemon's owner always may. */

import type { Who } from '@9p/lib9p';
import { clean, Eperm, ownerOnly, refuse, type Verb } from 'slashnet/core';

export const rules_max = 1024;

export class Admission {
  /** By user; `*` is everybody. */
  readonly #paths = new Map<string, readonly string[]>();

  /** There was a rule: taking the last one away opens nothing. */
  #ruled = false;

  allow(uname: string, paths: readonly string[]): void {
    if (!this.#paths.has(uname) && this.#paths.size >= rules_max)
      throw refuse(`too many rules: limit ${rules_max}`);
    const before = this.#paths.get(uname) ?? [];
    const after = new Set([...before, ...(paths.length === 0 ? ['/'] : paths.map(clean))]);
    if (after.size > rules_max) throw refuse(`too many rules: limit ${rules_max}`);
    this.#paths.set(uname, [...after]);
    this.#ruled = true;
  }

  deny(uname: string): void {
    if (!this.#paths.delete(uname)) throw refuse(`no rule for ${uname}`);
  }

  /** Throws where `who` may not attach to `aname`. */
  check(who: Who, aname: string): void {
    if (who.owner || !this.#ruled) return;
    const at = clean(aname.startsWith('/') ? aname : `/${aname}`);
    const may = [...(this.#paths.get(who.uname) ?? []), ...(this.#paths.get('*') ?? [])];
    if (!may.some((p) => p === '/' || at === p || at.startsWith(`${p}/`)))
      throw refuse(`${Eperm}: ${who.uname} may not attach to ${at}`);
  }

  /** As the verbs that would make it. */
  toString(): string {
    return [...this.#paths].map(([who, paths]) => `allow ${who} ${paths.join(' ')}\n`).join('');
  }
}

export const admissionVerbs = (a: Admission): readonly Verb<unknown>[] => [
  {
    name: 'allow',
    args: [1, 64],
    usage: 'allow user [path ...]',
    run(_r, [uname = '', ...paths], req) {
      ownerOnly(req);
      a.allow(uname, paths);
    },
  },
  {
    name: 'deny',
    args: [1, 1],
    usage: 'deny user',
    run(_r, [uname = ''], req) {
      ownerOnly(req);
      a.deny(uname);
    },
  },
];
