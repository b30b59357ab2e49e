/** Loading plugins: names from the daemon's own plugin directories, never a client's path. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Who } from '@9p/lib9p';
import { errorText, refuse } from './errors.js';
import type { Env, Plugin, Running } from './plugin.js';

export interface Loader {
  load(name: string, args: readonly string[]): Promise<void>;
  unload(name: string): Promise<void>;
  /** "ether eth1 ether0" */
  loaded(): readonly string[];
  stop(why: string): Promise<void>;
}

export function makeLoader(dirs: readonly string[], env: Env, me: Who): Loader {
  const running = new Map<string, Running>();

  async function findPlugin(name: string): Promise<Plugin> {
    if (!/^[a-z][a-z0-9]{0,31}$/.test(name)) throw refuse(`bad plugin name '${name}'`);
    for (const dir of dirs) {
      const file = join(dir, name, 'plugin.js');
      if (!(await exists(file))) continue;
      const m = (await import(pathToFileURL(file).href)) as { default?: Plugin };
      if (typeof m.default?.start !== 'function') throw refuse(`${file} is not a plugin`);
      return m.default;
    }
    throw refuse(`plugin '${name}' not found in ${dirs.join(', ')}`);
  }

  return {
    async load(name, args) {
      const key = [name, ...args].join(' ');
      if (running.has(key)) throw refuse(`${key} is loaded already`);
      const plugin = await findPlugin(name);
      for (const path of plugin.needs ?? []) await need(env, me, name, path);
      try {
        running.set(key, await plugin.start(env, args));
      } catch (e) {
        throw refuse(errorText(e));
      }
    },
    async unload(name) {
      const keys = [...running.keys()].filter((k) => k === name || k.startsWith(`${name} `));
      if (keys.length === 0) throw refuse(`${name} is not loaded`);
      for (const k of keys) {
        const r = running.get(k);
        running.delete(k);
        await r?.stop(`${name} was unloaded`);
      }
    },
    loaded: () => [...running.keys()],
    async stop(why) {
      const all = [...running.values()].reverse();
      running.clear();
      // One that fails does not keep the others from undoing what they did to the host.
      for (const r of all) {
        try {
          await r.stop(why);
        } catch (e) {
          env.log(`unload: ${errorText(e)}`);
        }
      }
    },
  };
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

async function need(env: Env, me: Who, name: string, path: string): Promise<void> {
  try {
    await env.ns.walk(path, me);
  } catch {
    throw refuse(`${name} needs ${path}: load that layer first`);
  }
}
