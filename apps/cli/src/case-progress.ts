import type { Answer } from './client.js';
import type { Context } from './context.js';
import { CliError, type ExitName } from './errors.js';

type Case = Answer<'showCase'>;

/** What `case watch` ends with. A case that closed otherwise than it was asked for is not "done". */
const exitOfOutcome: Readonly<Record<string, ExitName>> = {
  completed: 'ok',
  failed: 'failed',
  denied: 'denied',
  expired: 'expired',
  withdrawn: 'withdrawn',
  frozen: 'frozen',
};
export const exitOf = ({ outcome }: Case): ExitName => exitOfOutcome[outcome ?? ''] ?? 'failed';

/** Undefined: it is not shown to this person, or cannot be asked now, which is said: one service that is away must not hide what the others know. */
export async function seen<T>({ out }: Context, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (error.exit === 'unreachable' || error.exit === 'unexpected') out.note(`Some details are unavailable: ${error.message}`);
    return undefined;
  }
}

/** Name and value pairs for people: what was granted, what the sweep found, what it waits for, and how it ended. */
export const progressFields = ({
  granted = [],
  openItems = [],
  ended = [],
  findings = [],
  outcome,
}: Case): readonly (readonly [string, readonly string[]])[] => [
  ...(granted.length === 0 ? [] : [['granted', granted] as const]),
  ...(findings.length === 0 ? [] : [['findings', findings] as const]),
  ...(openItems.length === 0 ? [] : [['waits for', openItems.map(textOf)] as const]),
  ...(ended.length === 0 ? [] : [[outcome ?? 'ended', ended] as const]),
];
const textOf = ({ what, says, until }: NonNullable<Case['openItems']>[number]): string => {
  const text = says.replace(/\.$/, '');
  if (until === null) return text;
  return what === 'undo' ? `${text} (due ${until})` : `${text}, until ${until}`;
};
