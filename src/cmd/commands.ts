/** The commands, in the order of --help. */
import { cat } from './cat.js';
import { chmod, create, mkdir, rm } from './change.js';
import type { Command } from './command.js';
import { completion } from './completion.js';
import { connect } from './connect.js';
import { demo } from './demo.js';
import { key } from './key.js';
import { ls, stat } from './ls.js';
import { mount, unmount } from './mount.js';
import { bind, ns, unbind } from './names.js';
import { ppp } from './ppp.js';
import { serve } from './serve.js';
import { con, rdwr } from './talk.js';
import { watch } from './watch.js';
import { write } from './write.js';

export const commands: readonly Command[] = [
  serve,
  ppp,
  mount,
  unmount,
  ls,
  cat,
  write,
  rdwr,
  con,
  watch,
  stat,
  create,
  mkdir,
  rm,
  chmod,
  ns,
  bind,
  unbind,
  connect,
  key,
  completion,
  demo,
];
