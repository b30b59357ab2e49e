/** A FUSE request on one line, as `chatty9p` prints 9P; made only when somebody reads it. */
import {
  type Header,
  type Malformed,
  opcode,
  parseAccess,
  parseBatchForget,
  parseCreate,
  parseForget,
  parseHeader,
  parseInit,
  parseInterrupt,
  parseMkdir,
  parseName,
  parseOpen,
  parsePoll,
  parseRead,
  parseRelease,
  parseRename,
  parseSetattr,
  parseWrite,
} from './wire.js';

const names = new Map<number, string>(Object.entries(opcode).map(([name, n]) => [n, name]));

type Body = object | Malformed | undefined;
type Parse = (b: Uint8Array, h: Header) => Body;
const at =
  (parse: (b: Uint8Array, o: number, end: number) => Body): Parse =>
  (b, h) =>
    parse(b, h.body, h.end);

const bodies = new Map<number, Parse>([
  [opcode.lookup, at(parseName)],
  [opcode.forget, parseForget],
  [opcode.batchForget, at(parseBatchForget)],
  [opcode.setattr, at(parseSetattr)],
  [opcode.open, at(parseOpen)],
  [opcode.opendir, at(parseOpen)],
  [opcode.read, at(parseRead)],
  [opcode.readdir, at(parseRead)],
  [opcode.readdirplus, at(parseRead)],
  [opcode.write, at(parseWrite)],
  [opcode.release, at(parseRelease)],
  [opcode.releasedir, at(parseRelease)],
  [opcode.init, at(parseInit)],
  [opcode.access, at(parseAccess)],
  [opcode.create, at(parseCreate)],
  [opcode.mkdir, at(parseMkdir)],
  [opcode.unlink, at(parseName)],
  [opcode.rmdir, at(parseName)],
  [opcode.rename, at((b, o, end) => parseRename(b, o, end, 8))],
  [opcode.rename2, at((b, o, end) => parseRename(b, o, end, 16))],
  [opcode.interrupt, at(parseInterrupt)],
  [opcode.poll, at(parsePoll)],
]);

/** `read 12 node 3 uid 0 pid 77 fh 1 offset 0 size 4096 flags 32768`; data
 *  and offsets into `b` left out. */
export function fmtRequest(b: Uint8Array, o: number, end: number): string {
  const h = parseHeader(b, o, end);
  if (typeof h === 'string') return `bad request: ${h}, ${end - o} bytes`;
  const name = names.get(h.opcode) ?? `opcode ${h.opcode}`;
  const head = `${name} ${h.unique} node ${h.nodeid} uid ${h.uid} pid ${h.pid}`;
  const body = bodies.get(h.opcode)?.(b, h);
  if (body === undefined) return head;
  return `${head} ${typeof body === 'string' ? body : fields(body)}`;
}

/** JSON leaves DEL and C1 as they are, and to a terminal 9B is the beginning of a command. */
const quoted = (s: string): string =>
  JSON.stringify(s).replace(
    /\p{Cc}/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const hidden = new Set(['data', 'next']);
function fields(body: object): string {
  if (Array.isArray(body)) return `${body.length} nodes`;
  return Object.entries(body)
    .filter(([k, v]) => v !== undefined && !hidden.has(k))
    .map(([k, v]) => `${k} ${typeof v === 'string' ? quoted(v) : v}`)
    .join(' ');
}
