/** What we use of fuse-native 2.2.6, which brings no types. Errors are negative errnos. */
declare module 'fuse-native' {
  type Done = (errno: number) => void;
  export interface Stat {
    mode: number;
    uid: number;
    gid: number;
    size: number;
    ino: number;
    nlink: number;
    dev: number;
    atime: Date;
    mtime: Date;
    ctime: Date;
  }
  export interface Operations {
    getattr(path: string, done: (errno: number, stat?: Stat) => void): void;
    readdir(path: string, done: (errno: number, names?: string[]) => void): void;
    open(path: string, flags: number, done: (errno: number, fd?: number) => void): void;
    /** `done` gets the number of bytes, or an errno. */
    read(path: string, fd: number, b: Buffer, n: number, offset: number, done: Done): void;
    write(path: string, fd: number, b: Buffer, n: number, offset: number, done: Done): void;
    release(path: string, fd: number, done: Done): void;
    truncate(path: string, size: number, done: Done): void;
    utimens(path: string, atime: number, mtime: number, done: Done): void;
    chmod(path: string, mode: number, done: Done): void;
  }
  export interface Options {
    fsname: string;
    subtype: string;
    timeout: false;
  }
  export default class Fuse {
    static unmount: (dir: string, done: (e: Error | null) => void) => void;
    constructor(dir: string, ops: Operations, options: Options);
    mount(done: (e: Error | null) => void): void;
    unmount(done: (e: Error | null) => void): void;
  }
}
