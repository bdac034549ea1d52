/**
 * What grants hold at targets, and which other cases hold the same (R6.5). Each hold has an aggregate with the starts,
 * successes, questions and answers of every case that ever held it.
 */
import type { EventData, FactOf, Identity, Plan, Undo } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';
import { openQuestions } from '../kernel/questions.js';
import type { Facts } from '../kernel/facts.js';

export const holdKey = (hold: string): string => `hold:${hold}`;

const longestId = 255;
/** Escapes the separators, which names at targets may contain. */
const part = (name: string): string => name.replace(/[%/,]/g, encodeURIComponent);
/** The id of a hold, for rules and connectors. One that would be too long is shortened with its digest (as Crypto's `digest`). */
export function holdId(digest: (text: string) => string, connector: string, ...parts: readonly string[]): string {
  const id = [connector, ...parts].map(part).join('/');
  return id.length <= longestId ? id : `${id.slice(0, longestId - 72)}/sha256:${digest(id)}`;
}
/** The hold on a machine's account, for which one case at a time may create secrets. Known before there is a plan. */
export const secretHold = (crypto: Pick<Crypto, 'digest'>, connector: string, object: string): string =>
  holdId((text) => crypto.digest(text), connector, 'secret', object);

/** The holds of the steps of a plan, each once. */
export const holdsOf = (plan: Pick<Plan, 'steps'>): readonly string[] => [...new Set(plan.steps.flatMap(({ hold }) => hold ?? []))];

/**
 * The obligation that ends each hold; nothing is held without one. For a secret it is the one for the old login, if there is
 * one: while both logins exist the case still holds the account.
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

/** Cases that hold it, by the facts of the hold: started and not yet released. Earliest first. */
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
    // In a case that did not succeed the obligation for the old login was never armed: any answer ends the hold.
    const over = answeredOf.get(caseId)?.some(({ data }) => data.obligationId === obligationId || !succeeded.has(caseId));
    return over ? [] : [{ caseId, obligationId }];
  });
}

/** Whether another case is about to remove it: an undo that is due and not answered may be in progress at the target. */
export function isEnding(
  facts: Facts<'readmit.execution.started' | 'readmit.revocation.due' | 'readmit.revocation.confirmed'>,
  hold: string,
  except: string,
): boolean {
  const begun = new Set(facts.of('readmit.execution.started').map(({ data }) => data.caseId));
  return openQuestions(facts).some(({ data }) => data.hold === hold && data.caseId !== except && begun.has(data.caseId));
}

/**
 * Whether a holder still holds, by the facts of its own case too. A closed or failed case does not. An exclusive hold on an
 * account stays with a failed case until it is undone, unless nothing was done at the target.
 */
export const stillHolds = (
  ofCase: Facts<'readmit.case.closed' | 'readmit.execution.succeeded' | 'readmit.execution.failed'>,
  exclusive: boolean,
): boolean =>
  !ofCase.has('readmit.case.closed') &&
  !(exclusive ? didNothing(ofCase) : ofCase.has('readmit.execution.failed') && !ofCase.has('readmit.execution.succeeded'));

/** Whether nothing was done at any target: refused, or failed before the first step. */
export const didNothing = (facts: Facts<'readmit.execution.succeeded' | 'readmit.execution.failed'>): boolean =>
  !facts.has('readmit.execution.succeeded') && facts.first('readmit.execution.failed')?.data.effect === 'none';

/** Whether another case left its undo to this one as the remaining holder. Then this one must undo it, whatever it did itself. */
export const reliedOn = (facts: Facts<'readmit.revocation.confirmed'>, caseId: string): boolean =>
  facts.of('readmit.revocation.confirmed').some(({ data }) => data.how === 'still-held' && data.heldBy?.caseId === caseId);

/** The answer to a question, with everything that a reader of this one event needs. */
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

/** Identities of what the steps created that the undo is about: steps with its hold, or without holds at its object. */
export const madeFor = (undo: Undo, plan: Pick<Plan, 'steps'>, facts: Facts<'readmit.execution.succeeded'>): Identity[] => {
  const steps = plan.steps.filter((step) =>
    undo.hold === undefined ? step.connector === undo.connector && step.object === undo.object : step.hold === undo.hold,
  );
  const made = facts.first('readmit.execution.succeeded')?.data.made ?? [];
  return made.filter(({ stepId }) => steps.some(({ id }) => id === stepId)).flatMap(({ identity }) => identity);
};
