/** slashnet/core: what plugins, ours and anybody's, import. */
export {
  FileError,
  type Node,
  newReq,
  type OpenFile,
  omode,
  type Qid,
  type Req,
  type Tree,
  type Wait,
  type Who,
  wantsRead,
  wantsWrite,
} from '@9p/lib9p';
export { realClock, realRandom } from './clock.js';
export { Control, usageOf, verbMap } from './control.js';
export * from './counters.js';
export { type DeviceEvents, openDevice, PacketDevice } from './device.js';
export * from './errors.js';
export { newQid, TextFile } from './files.js';
export { controlBelow, directoryOf, linkTo } from './link.js';
export * from './machine.js';
export { type Chan, clean, type How, isChannel, type Namespace } from './namespace.js';
export type * from './plugin.js';
export { join, Port, type PortOptions, part } from './port.js';
export { line, type Queue, QueueFile } from './queue.js';
export { readRegular } from './regular.js';
export { ownerOnly, type Root } from './root.js';
export { alive, runtimeDirectory } from './runtime.js';
export { portChan } from './standard.js';
export { makeSystem, type System, type SystemOptions } from './system.js';
export { type Flushable, makeTurn, type Turn } from './turn.js';
export { isPrivateValue, quote, words } from './words.js';
