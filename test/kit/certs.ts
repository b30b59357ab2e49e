/** Certificates for a test, made by openssl: two authorities, a server for localhost, clients. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

function openssl(dir: string, ...args: readonly string[]): void {
  const r = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' });
  if (r.status !== 0) throw new Error(`openssl ${args[0]}: ${r.stderr}`);
}

/** NAME.pem and NAME.key below a directory, which the commands take as files. */
export class Certs {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
    for (const ca of ['ca', 'otherca']) this.#authority(ca);
  }

  path(name: string): string {
    return join(this.dir, name);
  }
  text(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }
  /** As TlsKeys has it. */
  pair(name: string): Pair {
    return { cert: this.text(`${name}.pem`), key: this.text(`${name}.key`) };
  }

  #authority(name: string): void {
    const days = ['-days', '2', '-keyout', `${name}.key`, '-out', `${name}.pem`];
    const key = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl(this.dir, 'req', ...key, ...days, '-subj', `/CN=${name}`);
  }

  /** Signed by an authority. `subject` as openssl writes it: /CN=glenda. */
  make(name: string, subject: string, ca = 'ca', altNames = ''): Pair {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const out = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    openssl(this.dir, 'req', ...key, ...out, '-subj', subject);
    writeFileSync(this.path(`${name}.ext`), altNames === '' ? '' : `subjectAltName=${altNames}\n`);
    const signer = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-days', '2'];
    const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`];
    openssl(this.dir, 'x509', '-req', ...signer, ...files);
    return this.pair(name);
  }
  server(): Pair {
    return this.make('server', '/CN=localhost', 'ca', 'DNS:localhost,IP:127.0.0.1,IP:::1');
  }
}
