import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { run } from '@readmit/cli';
import pc from 'picocolors';

/** What `case timeline --json` gives. */
export interface TimelineEntry {
  readonly at: string;
  readonly id: string;
  readonly type: string;
  readonly label: string;
  readonly by: string;
  readonly says: string;
}
export interface Ran {
  readonly code: number;
  /** Standard output as JSON, when it is. */
  readonly json: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where the tour is played: prints as it goes, runs the CLI as each persona, and counts what held and what did not. */
export class Stage {
  readonly checks: { readonly what: string; readonly ok: boolean }[] = [];
  private readonly color: ReturnType<typeof pc.createColors>;
  private readonly begun = Date.now();

  constructor(
    private readonly options: {
      readonly origin: string;
      readonly issuer: string;
      readonly homes: string;
      readonly color: boolean;
      readonly write: (text: string) => void;
      /** Signs the persona in at the address that `readmit` opens; absent: personas need none (`login --as`). */
      readonly signIn?: ((persona: string, address: string) => Promise<void>) | undefined;
    },
  ) {
    this.color = pc.createColors(options.color);
  }
  private line(text = ''): void {
    this.options.write(`${text}\n`);
  }
  title(text: string): void {
    this.line();
    this.line(this.color.bold(text));
  }
  say(text: string): void {
    this.line(this.color.dim(`  ${text}`));
  }
  check(what: string, ok: boolean, found?: string): void {
    this.checks.push({ what, ok });
    const mark = ok ? this.color.green('ok  ') : this.color.red('FAIL');
    this.line(`  ${mark} ${wrapped(what, 7)}${ok || found === undefined ? '' : this.color.red(` (found: ${found})`)}`);
  }
  fact(entry: TimelineEntry): void {
    const seconds = ((Date.now() - this.begun) / 1000).toFixed(1).padStart(6);
    const denied = entry.type.endsWith('.refused') || entry.type.endsWith('.failed');
    const label = denied ? this.color.red(entry.label.padEnd(28)) : entry.label.padEnd(28);
    this.line(`${this.color.dim(seconds)}  ${this.color.cyan(entry.by.padEnd(20))} ${label} ${this.color.dim(wrapped(entry.says, 58))}`);
  }

  /** Signs the persona in. */
  async login(persona: string): Promise<void> {
    await this.done(persona, ['login', ...(this.options.signIn ? [] : ['--as', persona])]);
  }

  /** Runs `readmit ...` as the persona, with a separate READMIT_HOME. `quiet` does not show the command line. */
  async cli(persona: string, argv: readonly string[], { quiet = false }: { readonly quiet?: boolean } = {}): Promise<Ran> {
    const home = path.join(this.options.homes, persona);
    await mkdir(home, { recursive: true, mode: 0o700 });
    if (!quiet) this.line(`  ${this.color.magenta(`${persona}$`)} readmit ${argv.map(quoted).join(' ')}`);
    let stdout = '';
    let stderr = '';
    const { signIn } = this.options;
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => undefined);
    const ran = run([...argv, '--json'], {
      stdout: {
        isTTY: false,
        write: (text: string) => (stdout += text),
        deliver: async (text: string) => {
          stdout += text;
        },
      },
      stderr: { isTTY: false, write: (text: string) => (stderr += text) },
      env: { READMIT_HOME: home, READMIT_URL: this.options.origin, READMIT_ISSUER: this.options.issuer, NO_COLOR: '1' },
      fetch,
      now: () => new Date(),
      uuid: randomUUID,
      sleep: (milliseconds: number) => wait(milliseconds),
      confirm: undefined,
      ...(signIn ? { openBrowser: (address: string) => void signIn(persona, address).catch(failure.reject) } : {}),
    });
    // Without this a page that cannot be filled in would leave the CLI waiting for minutes.
    const code = await Promise.race([ran, failure.promise]);
    return { code, json: parsed(stdout), stdout, stderr };
  }
  /** The same, for commands that must succeed. */
  async done(persona: string, argv: readonly string[], options?: { readonly quiet?: boolean }): Promise<Record<string, unknown>> {
    const ran = await this.cli(persona, argv, options);
    if (ran.code !== 0) throw new Error(`readmit ${argv.join(' ')} ended with ${ran.code}: ${ran.stderr.trim() || ran.stdout.trim()}`);
    return (ran.json ?? {}) as Record<string, unknown>;
  }
  /** A command that a rule must refuse: the check holds only for exactly that reason. `follow`: the case that has it on record. */
  async refused(persona: string, argv: readonly string[], reason: string, what: string, follow?: Follower): Promise<void> {
    const ran = await this.cli(persona, argv);
    await follow?.untilRefused(reason);
    const said = `${ran.stdout}${ran.stderr}`;
    this.check(`denied: ${what} (${reason})`, ran.code !== 0 && said.includes(reason), `exit ${ran.code}: ${said.trim().slice(0, 200)}`);
  }

  /** Follows a case as the operator sees it and prints every new fact. */
  follow(caseId: string): Follower {
    return new Follower(this, caseId);
  }
  get failed(): number {
    return this.checks.filter((check) => !check.ok).length;
  }
}

export class Follower {
  private readonly seen = new Map<string, TimelineEntry>();
  constructor(
    private readonly stage: Stage,
    readonly caseId: string,
  ) {}

  /** Prints what is new and returns everything so far. */
  async look(): Promise<readonly TimelineEntry[]> {
    const ran = await this.stage.cli('gita', ['case', 'timeline', this.caseId], { quiet: true });
    for (const entry of Array.isArray(ran.json) ? (ran.json as TimelineEntry[]) : [])
      if (!this.seen.has(entry.id)) {
        this.seen.set(entry.id, entry);
        this.stage.fact(entry);
      }
    return [...this.seen.values()];
  }
  /** Waits until the case has such a fact. Throws with what is there when it does not come. */
  until(type: string, timeoutMs = 30_000, matching: (entry: TimelineEntry) => boolean = () => true): Promise<TimelineEntry> {
    return this.untilThere(type, timeoutMs, (entry) => entry.type === type && matching(entry));
  }
  /** Waits until a refusal with the reason is on record, so that it is printed before what is concluded from it. */
  async untilRefused(reason: string): Promise<void> {
    const refused = (entry: TimelineEntry): boolean => entry.type.endsWith('.refused') && entry.says.includes(` ${reason})`);
    await this.untilThere(`a refusal with ${reason}`, 30_000, refused);
  }
  private async untilThere(what: string, timeoutMs: number, there: (entry: TimelineEntry) => boolean): Promise<TimelineEntry> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = (await this.look()).find(there);
      if (found) return found;
      if (Date.now() > deadline)
        throw new Error(
          `${what} did not arrive within ${timeoutMs / 1000} s; seen: ${[...this.seen.values()].map((entry) => entry.type).join(', ')}`,
        );
      await wait(100);
    }
  }
  get entries(): readonly TimelineEntry[] {
    return [...this.seen.values()];
  }
}

/** Broken at blanks, each further line below the first. A word that is longer than a line is not broken. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > 150 - indent) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`);
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Some commands print lines, not JSON; their callers look at stdout.
    return undefined;
  }
}
