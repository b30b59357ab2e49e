import type { Node, OpenFile, Wait, Who } from '@9p/lib9p';
import type { Port } from './port.js';
export interface Chan extends OpenFile {
  /** Only where served in this process. */
  readonly port?: Port;
}
export interface Namespace {
  /** With the rights of who wrote the ctl line. mode as in open(5). */
  open(path: string, mode: number, who: Who): Wait<Chan>;
  readonly root: Node;
}
