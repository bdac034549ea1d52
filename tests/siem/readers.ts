/** Programs of other people that read our topic as a SIEM does, with the configuration that deploy/siem shows. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface Principal {
  readonly broker: string;
  readonly username: string;
  readonly password: string;
}
export interface Answer {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly said: string;
}

/** The shipped file with what a site fills in; each of them must be there. */
function filledIn(name: string, values: Readonly<Record<string, string>>): string {
  // On one machine without TLS, and for programs that cannot do SCRAM (see the spec).
  const all = { SASL_SSL: 'SASL_PLAINTEXT', 'SCRAM-SHA-512': 'PLAIN', ...values };
  return Object.entries(all).reduce(
    (text, [what, value]) => {
      if (!text.includes(what)) throw new Error(`deploy/siem/${name} has no ${what}`);
      return text.replaceAll(what, value);
    },
    readFileSync(path.resolve('deploy/siem', name), 'utf8'),
  );
}

/** kcat with the arguments; the input is what it produces. */
export async function kcat(folder: string, who: Principal, args: readonly string[], input = ''): Promise<Answer> {
  const file = path.join(folder, `kcat-${who.username}.conf`);
  const text = filledIn('kcat.conf', { 'kafka.example.com:9092': who.broker, 'siem-soc': who.username, PASSWORD: who.password });
  await writeFile(file, text, { mode: 0o600 });
  const { status, stdout, stderr } = spawnSync('kcat', ['-F', file, ...args], {
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  return { code: status, lines: linesOf(stdout), said: stderr };
}

export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** rsyslogd in the foreground, without the machine's own configuration. */
export class Rsyslog {
  private said = '';
  private constructor(
    private readonly process: ChildProcess,
    private readonly file: string,
  ) {
    for (const stream of [process.stdout, process.stderr]) stream?.on('data', (chunk: Buffer) => (this.said += chunk.toString('utf8')));
  }

  static async start(folder: string, who: Principal): Promise<Rsyslog> {
    const spool = path.join(folder, 'spool');
    await mkdir(spool, { recursive: true });
    const file = path.join(folder, 'readmit.ndjson');
    const text = filledIn('rsyslog.conf', {
      'kafka.example.com:9092': who.broker,
      '"sasl.username=siem-soc"': `"sasl.username=${who.username}"`,
      PASSWORD: who.password,
      '/var/spool/rsyslog': spool,
      '/var/log/readmit.ndjson': file,
    });
    const config = path.join(folder, 'rsyslog.conf');
    await writeFile(config, text, { mode: 0o600 });
    const daemon = spawn('rsyslogd', ['-n', '-f', config, '-i', path.join(folder, 'rsyslog.pid')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    });
    return new Rsyslog(daemon, file);
  }

  /** What it has written so far. */
  lines(): readonly string[] {
    return existsSync(this.file) ? linesOf(readFileSync(this.file, 'utf8')) : [];
  }
  /** What it says of itself. */
  get log(): string {
    return this.said;
  }
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }
}
