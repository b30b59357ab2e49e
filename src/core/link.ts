/** Joining a port to the data file at a path: by function call where it
 *  is served here, else by a pump. */
import { newReq, omode, type Req, type Wait, type Who } from '@9p/lib9p';
import { utf8 } from '@9p/packet';
import type { Chan, Namespace } from './namespace.js';
import type { Link } from './plugin.js';
import { join, type Port, part } from './port.js';
import { pump } from './pump.js';
import type { Turn } from './turn.js';

/** The directory that a data file lies in. */
export const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** Open `path` with the rights of `who` and join `lower` to it. */
export async function linkTo(
  ns: Namespace,
  turn: Turn,
  path: string,
  lower: Port,
  who: Who,
): Promise<Link> {
  const open = (): Wait<Chan> => ns.open(path, omode.rdwr, who);
  const chan = await open();
  const port = chan.port;
  if (port === undefined) {
    try {
      return pump({ turn, path, lower, who, open }, chan);
    } catch (e) {
      chan.close();
      throw e;
    }
  }
  turn.run(() => join(lower, port));
  return {
    path,
    fast: true,
    unbind: (why) => {
      if (lower.peer === port) turn.run(() => part(lower, port, why));
    },
  };
}

/** A conversation's lies in the same directory; that of a line beside it, by name: eia0ctl. */
async function ctlOf(ns: Namespace, path: string, who: Who): Promise<string> {
  const beside = `${path}ctl`;
  try {
    await ns.walk(beside, who);
    return beside;
  } catch {
    return `${directoryOf(path)}/ctl`;
  }
}

/** Write one control message to the conversation or line whose data file is at
 *  `path`; `req` passes on its flush. */
export async function controlBelow(
  ns: Namespace,
  path: string,
  message: string,
  req: Req,
): Promise<void> {
  const ctl = await ns.open(await ctlOf(ns, path, req.who), omode.write, req.who);
  const sub = newReq(req.who);
  req.onflush = () => {
    sub.flushed = true;
    sub.onflush?.();
  };
  try {
    const r: Wait<number> = ctl.write(utf8(message), 0, sub);
    if (r instanceof Promise) await r;
  } finally {
    req.onflush = undefined;
    ctl.close();
  }
}
