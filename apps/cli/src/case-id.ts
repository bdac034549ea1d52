import type { Context } from './context.js';
import { CliError } from './errors.js';

/** At least four characters of an id, with or without `case_`: fewer fit too much, and no id is meant by a word. */
const beginning = /^(?:case_)?([0-9a-f][0-9a-f-]{3,})$/;
const whole = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** The list gives no more at a time. Who means an older case has its id. */
const mostLooked = 200;

/** The id that is meant: ids have 37 characters, and people type as many as name one case. Other texts are left to the service. */
export async function caseIdOf(context: Context, text: string): Promise<string> {
  const [, typed] = beginning.exec(text) ?? [];
  if (typed === undefined) return text;
  const start = `case_${typed}`;
  if (whole.test(typed)) return start;
  const begins = (id: string): boolean => id.startsWith(start);
  const own = (await context.vault.caseIds()).filter(begins);
  // Who is locked out has often a sign-in that cannot be renewed: it must not keep them from a case whose key is here.
  const signedIn = (own.length > 0 ? await context.session().catch(() => undefined) : await context.session()) !== undefined;
  const listed = signedIn ? await context.client.call('listCases', { query: { limit: mostLooked } }) : [];
  const known = new Set([...own, ...listed.map(({ caseId }) => caseId).filter(begins)]);
  const [only, ...more] = [...known].sort();
  if (only === undefined)
    throw new CliError(
      'notFound',
      `No case id starts with ${start} among those on this machine${signedIn ? ` and your newest ${mostLooked}` : ''}`,
      {
        next: 'Use the full id: readmit case list',
      },
    );
  if (more.length > 0)
    throw new CliError('usage', `${more.length + 1} case ids start with ${start}: ${[only, ...more].slice(0, 5).join(', ')}`, {
      next: 'Use a longer prefix.',
    });
  return only;
}
