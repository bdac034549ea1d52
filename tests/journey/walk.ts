/** The hands of a platform engineer: runs blocks of the documents as they stand there, with what an engineer puts in for names and places. */
import { spawn, type ChildProcess } from 'node:child_process';
import { blockOf, until } from '@readmit/testing';

/** What stands in a document, and what this machine has instead. */
export type Substitution = readonly [from: string, to: string];
interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** Names of examples, places that belong to the machine, and what is to be filled in: none of them may be left. */
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

  /** What was not known at first, such as a key that was printed. */
  learns(...[from, to]: Substitution): void {
    this.known.set(from, to);
  }
  /** The text with all that is known put in, at once. @throws {Error} something is left that only an engineer could know */
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
    if (left.length > 0) throw new Error(`nobody said what stands here instead:\n${left.join('\n')}`);
    return text.replaceAll(all, (from) => {
      this.used.add(from);
      return this.known.get(from) ?? '';
    });
  }
  /** What was declared and stands in no document any more. */
  get unused(): readonly string[] {
    return [...this.known.keys()].filter((from) => !this.used.has(from));
  }

  /** Runs it to its end. @throws {Error} with all that was printed, if a command fails */
  async run(block: string, env: Readonly<Record<string, string>> = {}): Promise<Said> {
    const { closed, said } = this.bash(this.filled(block), env);
    const code = await closed;
    if (code !== 0) throw new Error(`this ended with ${code}:\n${block}\n${said.stdout}${said.stderr}`);
    return said;
  }
  /** Starts programs that stay, as a process group of their own. What they print goes on growing. */
  start(block: string, env: Readonly<Record<string, string>> = {}): Said {
    const { child, closed, said } = this.bash(`${this.filled(block)}\nwait`, env);
    this.running.push({ child, closed });
    return said;
  }
  /** As a terminal that is closed does: everything that was started is told to stop, the last first. Resolves when nothing of it is left. */
  async stop(): Promise<void> {
    for (const { child, closed } of this.running.toReversed()) {
      // The shell ends at once, and what it started may still be there: the group is asked, not the shell.
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
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (bytes: Buffer) => (said.stdout += bytes.toString('utf8')));
    child.stderr.on('data', (bytes: Buffer) => (said.stderr += bytes.toString('utf8')));
    const closed = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
    return { child, closed, said };
  }
}

/**
 * Plays the case of README's "Try it by hand", line by line in one terminal, and waits where a person would: until it is granted.
 * @param after Called after each line that follows the request.
 */
export async function playCase(engineer: Engineer, after: (line: string) => Promise<void> = async () => {}): Promise<string> {
  const [surroundings = '', as = '', signIn = '', open = '', ...rest] = linesOf(blockOf('README.md', 'Try it by hand'));
  const terminal = (line: string) => engineer.run(`${surroundings}\n${as}\n${line}`);
  await terminal(signIn);
  const [, caseId = ''] = /^case +(\S+)$/m.exec((await terminal(open)).stdout) ?? [];
  engineer.learns('<case>', caseId);
  for (const line of rest) {
    if (line.includes('case show'))
      await until(async () => /^state +granted$/m.test((await terminal(line)).stdout), { what: 'the case is granted', timeoutMs: 90_000 });
    else await terminal(line);
    await after(line);
  }
  return caseId;
}
export const linesOf = (block: string): readonly string[] => block.split('\n').filter((line) => line !== '');
