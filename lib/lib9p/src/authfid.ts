/** The afid of Tauth: a file that no tree has, through which a client proves who he is. */
import { Enostat, Eperm, refuse } from './errors.js';
import { type Dir, type Node, type OpenFile, type Qid, qt, type Wait, type Who } from './tree.js';

/** What a server gives for a Tauth. Read and written as the two sides' protocol has it. */
export interface AuthFile extends OpenFile {
  /** Asked by each attach that names it: who has been proven. Undefined: nobody yet. */
  proven(): Wait<Who | undefined>;
}

/** What a Tauth named, and got. */
export interface Auth {
  readonly file: AuthFile;
  readonly uname: string;
  readonly aname: string;
}

/** In the place of a node: it cannot be walked from, and has no stat. */
export class AuthNode implements Node {
  readonly qid: Qid;
  readonly name = 'auth';
  readonly secret = true;

  constructor(file: AuthFile) {
    this.qid = { ...file.qid, type: qt.auth };
  }
  stat(): Dir {
    return refuse(Enostat);
  }
  walk(): undefined {
    return undefined;
  }
  list(): readonly Node[] {
    return [];
  }
  open(): OpenFile {
    return refuse(Eperm);
  }
  wstat(): void {
    refuse(Eperm);
  }
}
