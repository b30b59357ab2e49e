/** Users and groups by number and by name, from /etc/passwd and /etc/group:
 *  who asks, and whose a file is. */
import { readFileSync } from 'node:fs';
import type { Accounts as Numbers, Who } from '@9p/lib9p';

export interface AccountFiles {
  passwd(): string;
  group(): string;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // then names are numbers
  }
}
const systemFiles: AccountFiles = {
  passwd: () => textOf('/etc/passwd'),
  group: () => textOf('/etc/group'),
};

/** Whom a file belongs to whose owner this system does not know. */
export const nobody = 65534;
const callers_max = 1024;

interface Tables {
  readonly userNames: Map<number, string>;
  readonly userIds: Map<string, number>;
  /** A user's own group. */
  readonly primary: Map<number, number>;
  readonly groupNames: Map<number, string>;
  readonly groupIds: Map<string, number>;
  /** Names of the groups in whose line a user stands. */
  readonly groupsOf: Map<string, string[]>;
}

function parse(files: AccountFiles): Tables {
  const t: Tables = {
    userNames: new Map(),
    userIds: new Map(),
    primary: new Map(),
    groupNames: new Map(),
    groupIds: new Map(),
    groupsOf: new Map(),
  };
  for (const [name, id, gid] of records(files.passwd())) {
    if (!t.userNames.has(id)) t.primary.set(id, Number(gid));
    if (!t.userNames.has(id)) t.userNames.set(id, name);
    t.userIds.set(name, id);
  }
  for (const [name, id, members] of records(files.group())) {
    if (!t.groupNames.has(id)) t.groupNames.set(id, name);
    t.groupIds.set(name, id);
    for (const user of members.split(',')) {
      if (user === '') continue;
      t.groupsOf.set(user, [...(t.groupsOf.get(user) ?? []), name]);
    }
  }
  return t;
}

/** name:x:number:fourth:...  as [name, number, fourth]; other lines are left out. */
function* records(text: string): Generator<readonly [string, number, string]> {
  for (const line of text.split('\n')) {
    const [name = '', , id = '', fourth = ''] = line.split(':');
    if (name !== '' && /^\d+$/.test(id)) yield [name, Number(id), fourth];
  }
}

export class Accounts implements Numbers {
  readonly #files: AccountFiles;
  /** The daemon's owner, besides root. */
  readonly #owner: number;
  #tables: Tables | undefined;
  readonly #callers = new Map<string, Who>();
  /** Most requests are those of the one before. */
  #last: { readonly uid: number; readonly gid: number; readonly who: Who } | undefined;

  constructor(owner: number, files: AccountFiles = systemFiles) {
    this.#owner = owner;
    this.#files = files;
  }

  /** Read the files again at the next question. */
  forget(): void {
    this.#tables = undefined;
    this.#callers.clear();
    this.#last = undefined;
  }

  get #known(): Tables {
    return (this.#tables ??= parse(this.#files));
  }

  /** A caller whom the system does not know has his number for a name. */
  who(uid: number, gid: number): Who {
    if (this.#last?.uid !== uid || this.#last.gid !== gid)
      this.#last = { uid, gid, who: this.#find(uid, gid) };
    return this.#last.who;
  }
  #find(uid: number, gid: number): Who {
    const key = `${uid}:${gid}`;
    const known = this.#callers.get(key);
    if (known !== undefined) return known;
    if (this.#callers.size >= callers_max) this.#callers.clear();
    const t = this.#known;
    const uname = t.userNames.get(uid) ?? String(uid);
    const primary = t.groupNames.get(gid) ?? String(gid);
    const groups = [primary, ...(t.groupsOf.get(uname) ?? []).filter((g) => g !== primary)];
    const who = { uname, groups, owner: uid === 0 || uid === this.#owner };
    this.#callers.set(key, who);
    return who;
  }

  uid(name: string): number {
    return this.#known.userIds.get(name) ?? numberOf(name);
  }
  gid(name: string): number {
    return this.#known.groupIds.get(name) ?? numberOf(name);
  }
  user(uid: number): string {
    return this.#known.userNames.get(uid) ?? String(uid);
  }
  group(gid: number): string {
    return this.#known.groupNames.get(gid) ?? String(gid);
  }
  /** By his number alone, in his own group. */
  whoOf(uid: number): Who {
    return this.who(uid, this.#known.primary.get(uid) ?? uid);
  }
}

const numberOf = (name: string): number => (/^\d{1,9}$/.test(name) ? Number(name) : nobody);
