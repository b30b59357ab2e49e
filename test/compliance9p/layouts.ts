/** The messages as section 5 of the manual writes them down, with the two dialects of Linux: of
 *  these the suite makes its bytes, and of nothing that a server under test shares.
 *
 *    [1] [2] [4] [8]  a number, little-endian    [s]  a string    [d]  count[4] and so many bytes
 *    [q] type[1] vers[4] path[8]                 [s*] [q*]  count[2] and so many of them
 *    [stat] a directory entry, counted twice     [e]  as [d], the bytes are entries of Treaddir */

export type Kind = '1' | '2' | '4' | '8' | 's' | 'd' | 'q' | 's*' | 'q*' | 'stat' | 'e';
/** '' is 9P2000. */
export type Dialect = '' | 'u' | 'L';

export interface Field {
  readonly name: string;
  readonly kind: Kind;
}

export interface Layout {
  readonly type: number;
  readonly name: string;
  readonly fields: readonly Field[];
}

const fieldsOf = (words: readonly string[]): Field[] =>
  words.map((word) => {
    const [, name, kind] = /^(\w+)\[(.+)\]$/.exec(word) ?? [];
    if (name === undefined) throw new Error(`bad field ${word}`);
    return { name, kind: kind as Kind };
  });

function table(text: string): Layout[] {
  const lines = text.trim().split('\n');
  return lines.map((line) => {
    const [type, name = '', ...fields] = line.trim().split(/\s+/);
    return { type: Number(type), name, fields: fieldsOf(fields) };
  });
}

const manual = table(`
  100 Tversion msize[4] version[s]
  101 Rversion msize[4] version[s]
  102 Tauth    afid[4] uname[s] aname[s]
  103 Rauth    aqid[q]
  104 Tattach  fid[4] afid[4] uname[s] aname[s]
  105 Rattach  qid[q]
  107 Rerror   ename[s]
  108 Tflush   oldtag[2]
  109 Rflush
  110 Twalk    fid[4] newfid[4] wname[s*]
  111 Rwalk    wqid[q*]
  112 Topen    fid[4] mode[1]
  113 Ropen    qid[q] iounit[4]
  114 Tcreate  fid[4] name[s] perm[4] mode[1]
  115 Rcreate  qid[q] iounit[4]
  116 Tread    fid[4] offset[8] count[4]
  117 Rread    data[d]
  118 Twrite   fid[4] offset[8] data[d]
  119 Rwrite   count[4]
  120 Tclunk   fid[4]
  121 Rclunk
  122 Tremove  fid[4]
  123 Rremove
  124 Tstat    fid[4]
  125 Rstat    stat[stat]
  126 Twstat   fid[4] stat[stat]
  127 Rwstat`);

const dialectU = table(`
  102 Tauth    afid[4] uname[s] aname[s] n_uname[4]
  104 Tattach  fid[4] afid[4] uname[s] aname[s] n_uname[4]
  107 Rerror   ename[s] errno[4]
  114 Tcreate  fid[4] name[s] perm[4] mode[1] extension[s]`);

const dialectL = table(`
  7   Rlerror   ecode[4]
  8   Tstatfs   fid[4]
  9   Rstatfs   type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8] namelen[4]
  12  Tlopen    fid[4] flags[4]
  13  Rlopen    qid[q] iounit[4]
  14  Tlcreate  fid[4] name[s] flags[4] mode[4] gid[4]
  15  Rlcreate  qid[q] iounit[4]
  16  Tsymlink  fid[4] name[s] symtgt[s] gid[4]
  18  Tmknod    dfid[4] name[s] mode[4] major[4] minor[4] gid[4]
  20  Trename   fid[4] dfid[4] name[s]
  21  Rrename
  22  Treadlink fid[4]
  24  Tgetattr  fid[4] request_mask[8]
  25  Rgetattr  valid[8] qid[q] mode[4] uid[4] gid[4] nlink[8] rdev[8] size[8] blksize[8] \
blocks[8] atime_sec[8] atime_nsec[8] mtime_sec[8] mtime_nsec[8] ctime_sec[8] ctime_nsec[8] \
btime_sec[8] btime_nsec[8] gen[8] data_version[8]
  26  Tsetattr  fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime_sec[8] atime_nsec[8] \
mtime_sec[8] mtime_nsec[8]
  27  Rsetattr
  30  Txattrwalk   fid[4] newfid[4] name[s]
  32  Txattrcreate fid[4] name[s] attr_size[8] flags[4]
  40  Treaddir  fid[4] offset[8] count[4]
  41  Rreaddir  data[e]
  50  Tfsync    fid[4] datasync[4]
  51  Rfsync
  52  Tlock     fid[4] ltype[1] flags[4] start[8] length[8] proc_id[4] client_id[s]
  53  Rlock     status[1]
  54  Tgetlock  fid[4] ltype[1] start[8] length[8] proc_id[4] client_id[s]
  55  Rgetlock  ltype[1] start[8] length[8] proc_id[4] client_id[s]
  70  Tlink     dfid[4] fid[4] name[s]
  72  Tmkdir    dfid[4] name[s] mode[4] gid[4]
  73  Rmkdir    qid[q]
  74  Trenameat olddirfid[4] oldname[s] newdirfid[4] newname[s]
  75  Rrenameat
  76  Tunlinkat dirfid[4] name[s] flags[4]
  77  Runlinkat
  102 Tauth     afid[4] uname[s] aname[s] n_uname[4]
  104 Tattach   fid[4] afid[4] uname[s] aname[s] n_uname[4]`);

/** Without the two sizes in front. */
const stat = fieldsOf(
  'type[2] dev[4] qid[q] mode[4] atime[4] mtime[4] length[8] name[s] uid[s] gid[s] muid[s]'.split(
    ' ',
  ),
);
const statU = [...stat, ...fieldsOf(['extension[s]', 'n_uid[4]', 'n_gid[4]', 'n_muid[4]'])];

const extra: Record<Dialect, readonly Layout[]> = { '': [], u: dialectU, L: dialectL };

/** Later lines are the dialect's own. */
const find = (d: Dialect, is: (l: Layout) => boolean): Layout | undefined =>
  extra[d].find(is) ?? manual.find(is);

export const byName = (d: Dialect, name: string): Layout | undefined =>
  find(d, (l) => l.name === name);
export const byType = (d: Dialect, type: number): Layout | undefined =>
  find(d, (l) => l.type === type);
export const statFields = (d: Dialect): readonly Field[] => (d === 'u' ? statU : stat);
/** An entry of Rreaddir. */
export const direntFields = fieldsOf(['qid[q]', 'offset[8]', 'type[1]', 'name[s]']);
