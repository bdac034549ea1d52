/** A platform engineer who runs the code blocks in the documentation, with names and places substituted. */
import { spawn, type ChildProcess } from 'node:child_process';
import { blockOf, until } from '@readmit/testing';

/** A text in the documentation, and its replacement on this machine. */
export type Substitution = readonly [from: string, to: string];
interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Example names, places on the machine, and placeholders: none of them may be left. */
const placeholder =
  /\.\.\.|example\.com|change-me|<[a-z ]+>|\/(?:etc|srv|var|media)\/|\bsudo\b|\bnp[mx]\b|\bowner@|:(?:443|5432|7400|9500|80\d\d)\b/;

const wholeWords = (from: string): string =>
  `${/^\w/.test(from) ? '(?<!\\w)' : ''}${from.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}${/\w$/.test(from) ? '(?!\\w)' : ''}`;

export class Engineer {
  private readonly used = new Set<string>();
  private readonly running: { readonly child: ChildProcess; readonly closed: Promise<number> }[] = [];
  private readonly known: Map<string, string>;
  constructor(
    readonly cwd: string,
    private readonly env: Readonly<Record<string, string>>,
    substitutions: readonly Substitution[],
  ) {
    this.known = new Map(substitutions);
  }

  /** Adds a substitution that was not known at first, such as a key that was printed. */
  learn(...[from, to]: Substitution): void {
    this.known.set(from, to);
  }
  /** The text with all substitutions. @throws {Error} if a placeholder is left */
  filled(text: string): string {
    const all = new RegExp(
      [...this.known.keys()]
        .toSorted((a, b) => b.length - a.length)
        .map(wholeWords)
        .join('|'),
      'g',
    );
    const left = text
      .replaceAll(all, '')
      .split('\n')
      .filter((line) => placeholder.test(line.replace(/(^|\s)#.*/, '')));
    if (left.length > 0) throw new Error(`there is no substitution for:\n${left.join('\n')}`);
    return text.replaceAll(all, (from) => {
      this.used.add(from);
      return this.known.get(from) ?? '';
    });
  }
  /** Substitutions that no document needs. */
  get unused(): readonly string[] {
    return [...this.known.keys()].filter((from) => !this.used.has(from));
  }

  /** Runs it to its end. @throws {Error} with the output, if a command fails */
  async run(block: string, env: Readonly<Record<string, string>> = {}): Promise<Output> {
    const { closed, output } = this.bash(this.filled(block), env);
    const code = await closed;
    if (code !== 0) throw new Error(`this exited with ${code}:\n${block}\n${output.stdout}${output.stderr}`);
    return output;
  }
  /** Starts programs that keep running, as a separate process group. Their output is added to the result. */
  start(block: string, env: Readonly<Record<string, string>> = {}): Output {
    const { child, closed, output } = this.bash(`${this.filled(block)}\nwait`, env);
    this.running.push({ child, closed });
    return output;
  }
  /** Stops everything that was started, the last first. Resolves when nothing is left. */
  async stop(): Promise<void> {
    for (const { child, closed } of this.running.toReversed()) {
      // The shell ends at once, but its programs may not: the signal goes to the group.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
      await closed;
    }
  }

  private bash(script: string, env: Readonly<Record<string, string>>) {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: this.cwd,
      env: { ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (bytes: Buffer) => (output.stdout += bytes.toString('utf8')));
    child.stderr.on('data', (bytes: Buffer) => (output.stderr += bytes.toString('utf8')));
    const closed = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
    return { child, closed, output };
  }
}

/**
 * Runs the case in README's "Try it by hand", line by line in one terminal, and waits like a person until it is granted.
 * @param after Called after each line that follows the request.
 */
export async function runReadmeCase(engineer: Engineer, after: (line: string) => Promise<void> = async () => {}): Promise<string> {
  const [surroundings = '', as = '', signIn = '', open = '', ...rest] = linesOf(blockOf('README.md', 'Try it by hand'));
  const terminal = (line: string) => engineer.run(`${surroundings}\n${as}\n${line}`);
  await terminal(signIn);
  const [, caseId = ''] = /^case +(\S+)$/m.exec((await terminal(open)).stdout) ?? [];
  engineer.learn('<case>', caseId);
  for (const line of rest) {
    if (line.includes('case show'))
      await until(async () => /^state +granted$/m.test((await terminal(line)).stdout), { what: 'the case is granted' });
    else await terminal(line);
    await after(line);
  }
  return caseId;
}
export const linesOf = (block: string): readonly string[] => block.split('\n').filter((line) => line !== '');
