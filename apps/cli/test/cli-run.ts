/** Runs `readmit` in a home folder of its own, without a process, a terminal or a clock. */
import { afterEach, beforeEach } from '@jest/globals';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run, type Io } from '../src/index.js';
import { Vault } from '../src/session.js';
import { ApiDouble } from './api-double.js';

export const now = new Date('2026-11-22T10:00:00.000Z');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export class Desk {
  readonly vault: Vault;
  readonly env: Record<string, string | undefined>;
  terminal = false;
  now = now;
  confirm: Io['confirm'];
  openBrowser: Io['openBrowser'];
  stdin = '';
  readonly questions: string[] = [];
  readonly slept: number[] = [];
  private ids = 0;

  private constructor(
    readonly home: string,
    url: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.vault = new Vault(home);
    this.env = { ...env, READMIT_HOME: home, READMIT_URL: url };
  }
  static async of(url: string, env: Readonly<Record<string, string>> = {}): Promise<Desk> {
    return new Desk(await mkdtemp(path.join(tmpdir(), 'readmit-cli-')), url, env);
  }
  leave(): Promise<void> {
    return rm(this.home, { recursive: true, force: true });
  }
  answer(yes: boolean): void {
    this.confirm = (question) => {
      this.questions.push(question);
      return Promise.resolve(yes);
    };
  }
  async signIn(person = 'dana', expiresAt = new Date(now.getTime() + 600_000)): Promise<void> {
    await this.vault.saveSession({
      url: this.env['READMIT_URL'] ?? '',
      issuer: 'http://127.0.0.1:1',
      clientId: 'readmit-cli',
      accessToken: `token-of-${person}`,
      person,
      expiresAt: expiresAt.toISOString(),
    });
  }
  async run(...argv: readonly string[]): Promise<Ran> {
    let stdout = '';
    let stderr = '';
    const take = (text: string): void => void (stdout += text);
    const code = await run(argv, {
      stdout: { isTTY: this.terminal, columns: 120, write: take, deliver: (text) => Promise.resolve(take(text)) },
      stderr: { isTTY: this.terminal, write: (text) => void (stderr += text) },
      env: this.env,
      fetch,
      now: () => this.now,
      uuid: () => `id-${++this.ids}`,
      sleep: (milliseconds) => Promise.resolve(void this.slept.push(milliseconds)),
      confirm: this.confirm,
      openBrowser: this.openBrowser,
      stdin: () => Promise.resolve(this.stdin),
    });
    return { code, stdout, stderr };
  }
}

export let api: ApiDouble;
export let desk: Desk;
/** For each test of the file `desk`, in a home of its own, and `api`, which it talks to. */
export function atDesk(): void {
  beforeEach(async () => {
    api = await ApiDouble.start();
    desk = await Desk.of(api.url);
  });
  afterEach(async () => {
    await api.close();
    await desk.leave();
  });
}

export const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
export const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;
