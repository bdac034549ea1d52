import { example, type Register } from '../act.js';
import type { Input } from '../client.js';
import type { Context } from '../context.js';
import { sinceOrUntil } from '../duration.js';
import { CliError } from '../errors.js';
import { operatorTodos, ownTodos, todoOf, type Todo } from '../waiting.js';
import { wholeNumber } from './case.js';

type Query = NonNullable<Input<'inbox'>['query']>;
/** So many cases are listed when nobody says how many. */
const usualPage = 50;
const mostCounted = 100;

export const registerInbox: Register = (program, act) => {
  example(
    program
      .command('inbox')
      .description('list what waits for you, nearest deadline first, with the reason and the command to run next')
      .option('--after <place>', "next page, from the previous one's note")
      .option('--limit <n>', `maximum number of cases (1 to 100, default ${usualPage})`, wholeNumber),
    'readmit inbox',
    'readmit inbox --json',
  ).action(act(inbox));
};

async function inbox(context: Context, { after, limit = usualPage }: Query): Promise<void> {
  const { out } = context;
  const own = after === undefined ? await ownTodos(context) : [];
  // A key holder may have something to do without a sign-in, or with one that cannot be renewed.
  const session = own.length > 0 ? await context.session().catch(() => undefined) : await context.signedIn();
  if (session === undefined) out.note('Not signed in: showing only cases opened on this machine.');
  const query = { limit, ...(after === undefined ? {} : { after }) };
  const page = session ? await context.client.call('inbox', { query }) : { items: [], next: null };
  const operating = session && after === undefined ? await operatorTodos(context, session) : [];
  const todos = [...operating, ...own, ...page.items.map(todoOf)];
  if (page.next !== null) out.note(`More may wait: add --after ${page.next}`);
  out.result({ todos, next: page.next }, () => show(context, todos));
}

function show({ out, io }: Context, todos: readonly Todo[]): void {
  const far = (at: string | null): string | null => (out.seen && at !== null ? sinceOrUntil(at, io.now()) : at);
  out.table(
    ['what', 'case', 'tier', 'subject', 'asked', 'since', 'until', 'why', 'run'],
    todos.map((one) => [one.what, one.caseId, one.tier, one.subject, one.asked, far(one.since), far(one.until), one.why, one.run]),
    'Nothing waits for you.',
  );
}

/** For people who have just signed in. That it cannot be asked is no reason to say anything: they are signed in. */
export async function sayHowManyWait({ client, out }: Context): Promise<void> {
  try {
    const { items, next } = await client.call('inbox', { query: { limit: mostCounted } });
    const more = next !== null;
    const wait = items.length === 1 && !more ? 'case waits' : 'cases wait';
    if (items.length > 0) out.note(`${items.length}${more ? ' or more' : ''} ${wait} for you: readmit inbox`);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
  }
}
