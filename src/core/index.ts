/** slashnet/core: what plugins, ours and anybody's, import. */
export { FileError, type OpenFile, type Qid, type Req, type Wait, type Who } from '@9p/lib9p';
export * from './counters.js';
export * from './errors.js';
export * from './machine.js';
export type { Chan, Namespace } from './namespace.js';
export type * from './plugin.js';
export { join, Port, type PortOptions, part } from './port.js';
export { line, type Queue, QueueFile } from './queue.js';
export type { Flushable, Turn } from './turn.js';
export { quote, words } from './words.js';
