/**
 * What grants hold at targets, and who else holds the same (R6.5). The facts of one hold are kept together in an aggregate of its own:
 * beginnings, successes, what is due, and what was answered, of every case that ever held it.
 */
import type { EventData, FactOf, Identity, Plan, Undo } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';
import { openQuestions } from '../kernel/questions.js';
import type { Facts } from '../kernel/facts.js';

export const holdKey = (hold: string): string => `hold:${hold}`;

const longestId = 255;
/** Names of targets may hold the separators too. */
const part = (name: string): string => name.replace(/[%/,]/g, encodeURIComponent);
/** What one hold is called, by rules and connectors. A name that is too long for an id is told by its digest (as Crypto's `digest`). */
export function holdId(digest: (text: string) => string, connector: string, ...parts: readonly string[]): string {
  const id = [connector, ...parts].map(part).join('/');
  return id.length <= longestId ? id : `${id.slice(0, longestId - 72)}/sha256:${digest(id)}`;
}
/** The account of a machine, which one case at a time may make secrets for: the name of its hold, known before there is a plan. */
export const secretHold = (crypto: Pick<Crypto, 'digest'>, connector: string, object: string): string =>
  holdId((text) => crypto.digest(text), connector, 'secret', object);

/** What the steps of the plan hold, each once. */
export const holdsOf = (plan: Pick<Plan, 'steps'>): readonly string[] => [...new Set(plan.steps.flatMap(({ hold }) => hold ?? []))];

/**
 * By which obligation each of them ends: nothing is held that no obligation lets go. Of a secret that is the old login, when there is one:
 * as long as two logins stand the account is in the hands of the case.
 */
export function heldBy(plan: Pick<Plan, 'steps' | 'obligations'>): { hold: string; obligationId: string }[] {
  return holdsOf(plan).flatMap((hold) => {
    const ending = plan.obligations.filter((undo) => undo.hold === hold && undo.armedBy !== 'repudiation');
    const last = ending.find(({ armedBy }) => armedBy === 'success') ?? ending[0];
    return last ? [{ hold, obligationId: last.id }] : [];
  });
}

export interface Holder {
  readonly caseId: string;
  readonly obligationId: string;
}

/** Cases that hold it, by the facts of the hold: begun, and not yet let go. The earliest first. By case at once: a hold is never forgotten. */
export function holders(
  facts: Facts<'readmit.execution.started' | 'readmit.execution.succeeded' | 'readmit.revocation.confirmed'>,
  hold: string,
): readonly Holder[] {
  const succeeded = new Set(facts.of('readmit.execution.succeeded').map(({ data }) => data.caseId));
  const answered = facts.of('readmit.revocation.confirmed').filter(({ data }) => data.hold === hold);
  const answeredOf = Map.groupBy(answered, ({ data }) => data.caseId);
  return facts.of('readmit.execution.started').flatMap(({ data: { caseId, held } }) => {
    const obligationId = held?.find((pair) => pair.hold === hold)?.obligationId;
    if (obligationId === undefined) return [];
    // The old login never had to be let go by a case that did not succeed: its other end is the end.
    const over = answeredOf.get(caseId)?.some(({ data }) => data.obligationId === obligationId || !succeeded.has(caseId));
    return over ? [] : [{ caseId, obligationId }];
  });
}

/** Whether another case is about to take it away: an undo that was asked for and is not answered may be under way at the target. */
export function isEnding(
  facts: Facts<'readmit.execution.started' | 'readmit.revocation.due' | 'readmit.revocation.confirmed'>,
  hold: string,
  except: string,
): boolean {
  const begun = new Set(facts.of('readmit.execution.started').map(({ data }) => data.caseId));
  return openQuestions(facts).some(({ data }) => data.hold === hold && data.caseId !== except && begun.has(data.caseId));
}

/**
 * Whether a holder still holds by the facts of its own case too. A case that is closed does not, nor one that failed: nothing is left to it,
 * whoever takes it back. An account whose secret it was about to make stays in its hands until that is taken back, if anything was done.
 */
export const stillHolds = (
  ofCase: Facts<'readmit.case.closed' | 'readmit.execution.succeeded' | 'readmit.execution.failed'>,
  exclusive: boolean,
): boolean =>
  !ofCase.has('readmit.case.closed') &&
  !(exclusive ? didNothing(ofCase) : ofCase.has('readmit.execution.failed') && !ofCase.has('readmit.execution.succeeded'));

/** Nothing was done at any target: refused, or failed before the first step. */
export const didNothing = (facts: Facts<'readmit.execution.succeeded' | 'readmit.execution.failed'>): boolean =>
  !facts.has('readmit.execution.succeeded') && facts.first('readmit.execution.failed')?.data.effect === 'none';

/** Whether another case left to this one what it held too: whoever was named must take it back, whatever it did itself. */
export const reliedOn = (facts: Facts<'readmit.revocation.confirmed'>, caseId: string): boolean =>
  facts.of('readmit.revocation.confirmed').some(({ data }) => data.how === 'still-held' && data.heldBy?.caseId === caseId);

/** An answer to the question, with what a reader of the one event must know. */
export function answerTo(
  due: FactOf<'readmit.revocation.due'>,
  undo: Undo | undefined,
  how: EventData<'readmit.revocation.confirmed'>['how'],
  more: Partial<Pick<EventData<'readmit.revocation.confirmed'>, 'readBack' | 'sessionsEnded' | 'heldBy'>> = {},
): EventData<'readmit.revocation.confirmed'> {
  const hold = undo?.hold ?? due.data.hold;
  return {
    caseId: due.data.caseId,
    obligationId: due.data.obligationId,
    how,
    readBack: [],
    sessionsEnded: 0,
    answers: due.id,
    ...(hold === undefined ? {} : { hold }),
    ...(undo === undefined
      ? {}
      : {
          undo: {
            kind: undo.kind,
            connector: undo.connector,
            object: undo.object,
            ...(undo.entitlement === undefined ? {} : { entitlement: undo.entitlement }),
          },
        }),
    ...more,
  };
}

/** What the steps made that the undo is about, by identity: of those with its hold, else at its object. */
export const madeFor = (undo: Undo, plan: Pick<Plan, 'steps'>, facts: Facts<'readmit.execution.succeeded'>): Identity[] => {
  const steps = plan.steps.filter((step) =>
    undo.hold === undefined ? step.connector === undo.connector && step.object === undo.object : step.hold === undo.hold,
  );
  const made = facts.first('readmit.execution.succeeded')?.data.made ?? [];
  return made.filter(({ stepId }) => steps.some(({ id }) => id === stepId)).flatMap(({ identity }) => identity);
};
