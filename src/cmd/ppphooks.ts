/** --up and --down: a command that is told of the link in its environment, as pppd's ip-up is. */
import { spawn } from 'node:child_process';

/** What is known of a link that is up. */
export interface Facts {
  /** The IPv4 address, then the link-local one. */
  readonly local: string;
  readonly remote: string;
  readonly dns: readonly string[];
  readonly user: string;
  readonly mtu: string;
  /** The system's name of the interface; empty: there is none. */
  readonly device: string;
}

export interface Told {
  /** 'up', or why it has gone down. */
  readonly why: string;
  readonly address: string;
  readonly dir: string;
}

/** Names are pppd's where it has them. */
export function environment(f: Facts, t: Told): Readonly<Record<string, string>> {
  const v4 = (a: string): string => a.split(' ').find((x) => x.includes('.')) ?? '';
  const v6 = (a: string): string => a.split(' ').find((x) => x.includes(':')) ?? '';
  return {
    IFNAME: f.device,
    IPLOCAL: v4(f.local),
    IPREMOTE: v4(f.remote),
    LLLOCAL: v6(f.local),
    LLREMOTE: v6(f.remote),
    DNS1: f.dns[0] ?? '',
    DNS2: f.dns[1] ?? '',
    PEERNAME: f.user,
    MTU: f.mtu,
    WHY: t.why,
    PPP: t.dir,
    SLASHNET: t.address,
  };
}

export interface Hook {
  /** Rejects with what it failed of. */
  readonly done: Promise<void>;
  /** It, and all that it has started: sh forks even for a single command. */
  kill(): void;
}

/** By sh. What it prints goes to standard error: standard output may be the link. */
export function startHook(command: string, told: Readonly<Record<string, string>>): Hook {
  const child = spawn('sh', ['-c', command], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...told },
    detached: true,
  });
  let killed = false;
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0 || killed) resolve();
      else reject(new Error(`${command}: ${signal ?? `exit status ${code}`}`));
    });
  });
  return {
    done,
    kill() {
      killed = true;
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid);
    },
  };
}
