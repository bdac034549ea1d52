import { areaNames, serviceOfArea, type ParkedMessage } from '@readmit/contracts';
import { assuranceName, keyHolderStep, missingProofs, nextStep, operatorTeam, proofText } from '@readmit/domain';
import type { Static } from 'typebox';
import { askText } from './asks.js';
import { seen } from './case-progress.js';
import type { Answer } from './client.js';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { claimsOf, type Session } from './session.js';

type Item = Answer<'inbox'>['items'][number];

/** One thing that somebody should do, whatever service knows of it. */
export interface Todo {
  readonly what: Item['what'] | 'code' | 'secret' | 'overdue' | 'parked';
  readonly caseId: string | null;
  readonly tier: string | null;
  readonly subject: string | null;
  readonly asked: string;
  readonly since: string | null;
  readonly until: string | null;
  readonly why: string;
  /** The command to run next. */
  readonly run: string;
}

/** Of the cases that were asked for on this machine so many of the latest are looked at: each costs requests without a sign-in, which are few. */
const mostOwn = 5;
/** A key is not told that its case expired before the code was read out; after so long it did. */
const ownMs = 7 * 86_400_000;
const parkedShown = 100;

const asksOf = (asks: Item['asks']): string => asks.map(askText).join(', ');

/** A decision or proofs, from the inbox of approval. */
export function todoOf(item: Item): Todo {
  const { what, caseId, tier, subject, asks, since, until, why } = item;
  const missing = missingProofs(item.needs);
  const proofs = missing.map(proofText).join(', ');
  return {
    what,
    caseId,
    tier,
    subject: subject.id,
    asked: asksOf(asks),
    since,
    until,
    why: what === 'decision' ? why.says : `${why.says} Missing: ${proofs}.`,
    run: commandFor(item, missing),
  };
}

function commandFor({ what, caseId }: Item, missing: ReturnType<typeof missingProofs>): string {
  switch (nextStep(what, missing)) {
    case 'decide':
      return `readmit approve ${caseId} --reason "..."`;
    case 'look-up-contact':
      return `readmit case contacts ${caseId}`;
    case 'record-proof': {
      const [need] = missing;
      const which = need ? ` --kind ${need.kind} --assurance ${assuranceName(need.assurance)}` : '';
      return `readmit evidence add ${caseId}${which} --channel <how> --note "..."`;
    }
  }
}

/** What the cases wait for that were asked for with a key on this machine: the code that is read out, the secret that is picked up. */
export async function ownTodos(context: Context): Promise<readonly Todo[]> {
  const cases = await context.vault.casesOfKeys(new Date(context.io.now().getTime() - ownMs), mostOwn);
  return (await Promise.all(cases.map((caseId) => ownTodo(context, caseId)))).flat();
}

async function ownTodo(context: Context, caseId: string): Promise<readonly Todo[]> {
  const params = { caseId };
  const key = await context.vault.caseKey(caseId);
  if (!key) return [];
  const credential = { kind: 'key', key } as const;
  const one = await known(() => context.client.call('showCase', { params }, credential));
  if (!one) return [];
  const todo = {
    caseId,
    tier: one.tier,
    subject: one.subject.id,
    asked: asksOf(one.asks),
    since: one.openedAt,
    until: one.endsAt,
  };
  const step = keyHolderStep(one);
  if (step === 'read-out-code')
    return [
      {
        ...todo,
        what: 'code',
        why: 'You requested it. When the help desk calls you back, read out the code.',
        run: `readmit case show ${caseId}`,
      },
    ];
  if (step !== 'pick-up-secret' || !(await known(() => context.client.call('pickUpSecret', { params }, credential)))) return [];
  return [{ ...todo, what: 'secret', why: 'You requested it, and it is sealed to your key.', run: `readmit secret pick-up ${caseId}` }];
}

/** Undefined: there is no such thing for this key. A case of another installation is not known here. */
async function known<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CliError && error.exit === 'notFound') return undefined;
    throw error;
  }
}

/** What operators see to. Nobody else asks: a refusal would be on record. */
export async function operatorTodos(context: Context, session: Session): Promise<readonly Todo[]> {
  const { teams } = claimsOf(session.accessToken);
  if (!Array.isArray(teams) || !teams.includes(operatorTeam)) return [];
  const nothing = { caseId: null, tier: null, subject: null, until: null };
  const { client } = context;
  const overdue = await seen(context, () => client.call('listOverdue', {}));
  const late = (overdue ?? []).map(({ caseId, obligationId, dueSince }): Todo => {
    const why = 'You are an operator. A grant is still active past its deadline: see what blocks its undo.';
    return { ...nothing, what: 'overdue', caseId, asked: obligationId, since: dueSince, why, run: `readmit obligations ${caseId}` };
  });
  const parked = await Promise.all(
    areaNames.map(async (area): Promise<readonly Todo[]> => {
      const query: object = { query: { state: 'parked', limit: parkedShown } };
      // The routes of the six services are made from one shape; the client has checked the answer against it.
      const messages = ((await seen(context, () => client.call(`${area}ListParked`, query))) ?? []) as readonly Static<
        typeof ParkedMessage
      >[];
      const oldest = messages.map(({ parkedAt }) => parkedAt).sort()[0];
      if (oldest === undefined) return [];
      const count = messages.length < parkedShown ? String(messages.length) : `${parkedShown} or more`;
      const run = `readmit parked list --service ${serviceOfArea(area)}`;
      const why = 'You are an operator. The service could not process them: re-drive or discard them.';
      return [{ ...nothing, what: 'parked', asked: `${count} of ${serviceOfArea(area)}`, since: oldest, why, run }];
    }),
  );
  return [...late, ...parked.flat()];
}
