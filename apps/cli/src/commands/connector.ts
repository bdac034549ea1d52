/** `readmit connector check`: looks at a target with the connector and the settings of execution, on the machine that has its targets file. */
import type { CheckResult, Connector } from '@readmit/connectors';
import { example, type Register } from '../act.js';
import type { Context } from '../context.js';
import { CliError, saidBy, usage, type ExitName } from '../errors.js';
import { readPrivate } from '../files.js';
import { group } from '../group.js';

interface CheckOptions {
  readonly targets?: string;
}
/** Of each request to the target, and of the whole check. */
const [callTimeoutMs, checkTimeoutMs] = [10_000, 60_000];

export const registerConnector: Register = (program, act) => {
  example(
    group(program, 'connector')
      .command('check')
      .description('operator: check a target: connection, credentials, rights that are missing or too many; changes nothing')
      .argument('<name>', 'name of the target in the targets file')
      .option('--targets <file>', 'targets file of execution (READMIT_TARGETS_FILE)'),
    'readmit connector check directory --targets /etc/readmit/targets.json',
    'readmit connector check directory --json',
  ).action(act((context: Context, options: CheckOptions, name) => check(context, options, name ?? '')));
};

async function check(context: Context, options: CheckOptions, name: string): Promise<ExitName> {
  const { io, out } = context;
  const { kind, connector } = await opened(context, options, name);
  let checks: readonly CheckResult[];
  try {
    checks = await connector.check({ now: () => io.now() }, AbortSignal.timeout(checkTimeoutMs));
  } finally {
    await connector.close();
  }
  const passed = checks.every(({ result }) => result === 'ok' || result === 'note');
  out.result({ target: name, kind, passed, checks: checks.map(({ unreachable: _, ...one }) => one) }, () => {
    out.fields([
      ['target', name],
      ['kind', kind],
    ]);
    out.table(
      ['check', 'result', 'found'],
      checks.map(({ check: what, result, message }) => [what, result, message]),
    );
    for (const { check: what, next } of checks) if (next !== undefined) out.line(`${what}: ${next}`);
    out.line(
      passed ? 'The connector can work with this target. Nothing was changed.' : 'Correct what is listed above. Nothing was changed.',
    );
  });
  if (checks.some(({ unreachable }) => unreachable)) return 'unreachable';
  return passed ? 'ok' : 'verificationFailed';
}

async function opened(
  { io }: Context,
  { targets: given }: CheckOptions,
  name: string,
): Promise<{ readonly kind: string; readonly connector: Connector }> {
  const file = given ?? io.env['READMIT_TARGETS_FILE'];
  if (!file) throw usage('There is no targets file', 'Name it with --targets or READMIT_TARGETS_FILE: the file that execution reads.');
  const text = await readPrivate(file);
  if (text === undefined) throw new CliError('usage', 'There is no targets file', { where: file, next: 'Check the path.' });
  const { openTarget, targetsIn } = await import('@readmit/connectors');
  let targets: ReturnType<typeof targetsIn>['targets'];
  try {
    ({ targets } = targetsIn(text));
  } catch (error) {
    throw new CliError('usage', `The targets file is not valid: READMIT_TARGETS_FILE ${saidBy(error)}`, {
      where: file,
      next: 'Correct it as docs/targets.md describes. Execution would not start with it.',
      cause: error,
    });
  }
  const target = targets.find((one) => one.name === name);
  if (!target)
    throw new CliError('notFound', `There is no target ${name} in the targets file`, {
      where: file,
      next: `Use one of: ${targets.map((one) => one.name).join(', ')}`,
    });
  return { kind: target.kind, connector: openTarget(target, { callTimeoutMs }) };
}
