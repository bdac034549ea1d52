/** Programs that read the topic like a SIEM, with the configuration in deploy/siem. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface Principal {
  readonly broker: string;
  readonly username: string;
  readonly password: string;
}
export interface Output {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** The example file with values filled in; each placeholder must exist. */
function filledIn(name: string, values: Readonly<Record<string, string>>): string {
  // Without TLS on one machine, and without SCRAM, which these versions do not support (see the spec).
  const all = { SASL_SSL: 'SASL_PLAINTEXT', 'SCRAM-SHA-512': 'PLAIN', ...values };
  return Object.entries(all).reduce(
    (text, [what, value]) => {
      if (!text.includes(what)) throw new Error(`deploy/siem/${name} has no ${what}`);
      return text.replaceAll(what, value);
    },
    readFileSync(path.resolve('deploy/siem', name), 'utf8'),
  );
}

/** Runs kcat with the arguments; it publishes the input. */
export async function kcat(folder: string, who: Principal, args: readonly string[], input = ''): Promise<Output> {
  const file = path.join(folder, `kcat-${who.username}.conf`);
  const text = filledIn('kcat.conf', { 'kafka.example.com:9092': who.broker, 'siem-soc': who.username, PASSWORD: who.password });
  await writeFile(file, text, { mode: 0o600 });
  const { status, stdout, stderr } = spawnSync('kcat', ['-F', file, ...args], {
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  return { code: status, lines: linesOf(stdout), stderr };
}

export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Runs rsyslogd in the foreground, without the configuration of the machine. */
export class Rsyslog {
  private output = '';
  private constructor(
    private readonly process: ChildProcess,
    private readonly file: string,
  ) {
    for (const stream of [process.stdout, process.stderr]) stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString('utf8')));
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

  /** Lines written so far. */
  lines(): readonly string[] {
    return existsSync(this.file) ? linesOf(readFileSync(this.file, 'utf8')) : [];
  }
  /** Its own messages. */
  get log(): string {
    return this.output;
  }
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }
}
