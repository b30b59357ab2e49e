/** The same tree, but that every answer comes later, as it does where another machine is asked. */
import type { Node, OpenFile, Tree } from '@9p/lib9p';

/** A turn of the event loop passes. */
const later = <T>(make: () => T | Promise<T>): Promise<T> =>
  new Promise((answer, reject) => {
    setImmediate(() => {
      try {
        answer(make());
      } catch (e) {
        reject(e);
      }
    });
  });

export const answersLater = (tree: Tree): Tree => ({
  attach: (who, aname) => later(() => tree.attach(who, aname)).then(laterNode),
});

function laterNode(node: Node): Node {
  const { create, remove } = node;
  return {
    get qid() {
      return node.qid;
    },
    get name() {
      return node.name;
    },
    stat: () => later(() => node.stat()),
    walk: (name, req) => later(() => node.walk(name, req)).then((n) => n && laterNode(n)),
    list: (req) => later(() => node.list(req)).then((all) => all.map(laterNode)),
    open: (mode, req) => later(() => node.open(mode, req)).then(laterFile),
    wstat: (change, req) => later(() => node.wstat(change, req)),
    ...(create && {
      create: (name, perm, mode, req) =>
        later(() => create.call(node, name, perm, mode, req)).then(laterFile),
    }),
    ...(remove && { remove: (req) => later(() => remove.call(node, req)) }),
  };
}

function laterFile(file: OpenFile): OpenFile {
  return {
    get qid() {
      return file.qid;
    },
    ready: file.ready,
    onready: undefined,
    read: (n, offset, req) => later(() => file.read(n, offset, req)),
    write: (data, offset, req) => {
      const copy = new Uint8Array(data);
      return later(() => file.write(copy, offset, req));
    },
    close: () => file.close(),
    ...(file.node && { node: laterNode(file.node) }),
  };
}
