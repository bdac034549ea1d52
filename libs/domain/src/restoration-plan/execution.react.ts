import type { Ask, Draft, Fact, FactOf, Step, Undo } from '@readmit/contracts';
import { attestationIdsOf, attestedOf } from '../decision-proof/attested.js';
import { draft, type Reaction, type WorkDraft } from '../kernel/behaviour.js';
import { questionsAbout, openQuestions } from '../kernel/questions.js';
import { claimsAccount, stepTable, undoTable } from '../kernel/restorations.js';
import { isStopped } from '../kernel/stops.js';
import { earliest, reached } from '../kernel/time.js';
import { answerTo, holdKey, holdsOf, secretHold } from './holds.js';
import { accountKey, firstSweep, sweepIsOver, type SweepOptions } from './sweep.js';
import type { ExecutionContext, ExecutionFacts } from './execution.facts.js';

const workIds = {
  plan: (caseId: string): string => `${caseId}/plan`,
  restore: (caseId: string): string => `${caseId}/restore`,
  /** `again`: id of the question, unless it is the first about the obligation. */
  undo: (obligationId: string, again?: string): string => (again === undefined ? `${obligationId}/undo` : `${obligationId}/undo/${again}`),
  watch: (caseId: string): string => `${caseId}/watch`,
  sweep: (caseId: string, account: number): string => `${caseId}/sweep-${account + 1}`,
};

/** The gate: what is not in audit's log yet and must be before execution starts (R6.1, R7.3). Empty: the gate is open. */
export function gateWaitsFor(facts: ExecutionFacts): readonly string[] {
  const granted = facts.first('readmit.approval.granted');
  if (!granted) return ['approval'];
  const waits: string[] = [];
  const recorded = facts.of('readmit.audit.recorded').map(({ data }) => data);
  const needs = (what: string, fact: Pick<Fact, 'id' | 'type'> | undefined): void => {
    if (!fact) waits.push(what);
    // By type too: another service may have used the same id.
    else if (!recorded.some(({ eventId, type }) => eventId === fact.id && type === fact.type)) waits.push(`audit's record of ${what}`);
  };
  needs('classification', facts.last('readmit.case.classified'));
  for (const id of attestationIdsOf(granted.data))
    needs(
      'attestation of people',
      facts.of('readmit.people.attested').find((fact) => fact.id === id),
    );
  needs('plan', planGranted(facts));
  needs('approval', granted);
  for (const undo of granted.data.obligations)
    needs(
      `obligation ${undo.id}`,
      facts.of('readmit.obligation.recorded').find((fact) => fact.data.obligationId === undo.id),
    );
  return waits;
}

/**
 * The plan that is carried out, as execution proposed it: the one that was started, or before the start the one that the
 * grant names. So what was started is undone, whatever approval emits later.
 */
export function planGranted(facts: ExecutionFacts): FactOf<'readmit.plan.proposed'> | undefined {
  const digest = (facts.first('readmit.execution.started') ?? facts.first('readmit.approval.granted'))?.data.planDigest;
  return facts.of('readmit.plan.proposed').find((fact) => fact.data.digest === digest);
}

/** Whether execution must not start or continue: the case was stopped, or its revocation is due. */
export const stopped = (facts: ExecutionFacts): boolean => isStopped(facts) || facts.has('readmit.revocation.due');

/** Whether the request has ended: denied, withdrawn, expired, closed or stopped. Then nothing is planned for it. */
export const isOver = (facts: ExecutionFacts): boolean =>
  facts.has('readmit.approval.denied') ||
  facts.has('readmit.approval.withdrawn') ||
  facts.has('readmit.approval.expired') ||
  facts.has('readmit.case.closed') ||
  stopped(facts);

/** What follows in execution: plan, restore behind the gate, answer every RevocationDue, watch for use, sweep. */
export function executionReact(facts: ExecutionFacts, context: ExecutionContext, sweep?: SweepOptions): Reaction {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return { emit: [], wakeAt: null };
  const emit: Draft[] = [];
  const work: WorkDraft[] = [];
  const cancel: string[] = [];
  let wakeAt: Date | null = null;
  const caseId = context.key;
  // Work of a case has exclusive access to every account that it asks for, an undo to its own account.
  const everyAccount = accountsOf(opened.data.asks);
  const addWork = (
    id: string,
    kind: string,
    alsoKeys: readonly string[],
    input: WorkDraft['input'] = {},
    at = everyAccount,
    notBefore = context.now,
  ): void => {
    const [first, ...others] = at;
    if (first && !context.work.has(id))
      work.push({ id, kind, ...first, ...(others.length > 0 ? { alsoAt: others } : {}), notBefore, alsoKeys, input });
  };
  const planned = planGranted(facts)?.data.plan;
  const accounts = opened.data.asks.flatMap(({ kind, connector, object }) =>
    claimsAccount({ kind }) ? [holdKey(secretHold(context.crypto, connector, object))] : [],
  );

  if (isOver(facts)) cancel.push(workIds.plan(caseId));
  else if (facts.has('readmit.case.classified') && facts.has('readmit.people.attested'))
    addWork(workIds.plan(caseId), 'plan', [...new Set(accounts)]);

  const granted = facts.first('readmit.approval.granted');
  const started = facts.first('readmit.execution.started');
  const succeeded = facts.first('readmit.execution.succeeded');
  const failed = facts.first('readmit.execution.failed');
  if (granted && !started && !failed) {
    const waits = gateWaitsFor(facts);
    const fail = (rule: string, reason: string, message: string): void => {
      emit.push(
        draft('readmit.execution.failed', caseId, {
          caseId,
          executionId: context.newId('execution'),
          effect: 'none',
          rule,
          reason,
          says: message,
        }),
      );
      cancel.push(workIds.restore(caseId));
    };
    if (stopped(facts)) fail('R6.4', 'ended-before-start', 'The case was ended, frozen or contained before execution started.');
    else if (reached(granted.data.goodUntil, context.now)) {
      if (waits.length > 0)
        fail('R7.3', 'audit-unavailable', `Execution did not start in time. Missing: ${waits.join(', ')}.`.slice(0, 500));
      else fail('R4.7', 'approval-expired', 'The approval expired before execution started.');
    } else {
      wakeAt = earliest(wakeAt, new Date(granted.data.goodUntil));
      if (waits.length === 0)
        addWork(workIds.restore(caseId), 'restore', planned ? [...holdsOf(planned).map(holdKey), ...everyAccount.map(accountKey)] : []);
    }
  }
  // The effect of a restoration that was interrupted by a stop is unknown: the undo reads the target.
  if (started && !succeeded && !failed && stopped(facts))
    emit.push(
      draft('readmit.execution.failed', caseId, {
        caseId,
        executionId: started.data.executionId,
        effect: 'unknown',
        rule: 'R6.4',
        reason: 'ended-before-finish',
        says: 'The case was ended while the restoration was in progress.',
      }),
    );
  for (const due of openQuestions(facts)) {
    const { obligationId } = due.data;
    const undo = planned?.obligations.find(({ id }) => id === obligationId);
    if (started && undo) {
      const first = questionsAbout(facts, obligationId)[0]?.id === due.id;
      cancel.push(workIds.restore(caseId));
      const id = workIds.undo(obligationId, first ? undefined : due.id);
      const keys = undo.hold === undefined ? [] : [holdKey(undo.hold)];
      addWork(id, 'undo', keys, { obligationId, dueId: due.id }, [accountOf(undo, planned?.steps ?? [])]);
    } else if (started || failed || emit.length > 0)
      emit.push(draft('readmit.revocation.confirmed', caseId, answerTo(due, undo, 'never-began')));
  }
  if (started && succeeded && needsWatching(facts)) addWork(workIds.watch(caseId), 'watch', []);
  if (sweep && planned && succeeded && !sweepIsOver(facts, sweep, context.now))
    for (const [index, account] of everyAccount.entries()) {
      const id = workIds.sweep(caseId, index);
      const holds = holdsOf({ steps: planned.steps.filter((step) => isSameAccount(step, account)) }).map(holdKey);
      addWork(id, 'sweep', [accountKey(account), ...holds], {}, [account], firstSweep(id, sweep, context.now, context.crypto));
    }
  return { emit, work, cancel: cancel.filter((id) => context.work.has(id)), wakeAt };
}

/** Accounts that are watched for an enrolment or a take-over, because that would end an open obligation. */
export function awaitedAccounts(facts: ExecutionFacts): { readonly enrolment: readonly Account[]; readonly takeOver: readonly Account[] } {
  const plan = planGranted(facts)?.data.plan;
  const undone = new Set(facts.of('readmit.revocation.confirmed').map((fact) => fact.data.obligationId));
  const open = plan?.obligations.filter((undo) => !undone.has(undo.id)) ?? [];
  const enrolled = facts.of('readmit.enrolment.confirmed');
  const replaced = notTakenOver(facts).length === 0 ? [] : open.filter((undo) => undo.unlessTakenOver);
  return {
    enrolment: open.filter(
      (undo) => undoTable[undo.kind].endsOn === 'enrolment' && !enrolled.some(({ data }) => isSameAccount(data, undo)),
    ),
    takeOver: replaced.map((undo) => accountOf(undo, plan?.steps ?? [])),
  };
}
type Account = Pick<Ask, 'connector' | 'object'>;
export const isSameAccount = (one: Account, other: Account): boolean => one.connector === other.connector && one.object === other.object;
/** The account of an undo, as asks name it: for a login, whose name the target chose, that of its step. */
function accountOf(undo: Undo, steps: readonly Step[]): Account {
  const step = steps.find((one) => stepTable[one.kind].undo === undo.kind && one.connector === undo.connector && one.hold === undo.hold);
  const { connector, object } = (undoTable[undo.kind].objectOfTarget && step) || undo;
  return { connector, object };
}
/** Each account once, in the order of the asks. */
const accountsOf = (asks: readonly Ask[]): readonly Account[] =>
  asks
    .map(({ connector, object }) => ({ connector, object }))
    .filter((one, index, all) => index === all.findIndex((other) => isSameAccount(one, other)));

/** Ids of the consumers that do not use the new secret yet, as far as known. */
export function notTakenOver(facts: ExecutionFacts): readonly string[] {
  const confirmed = new Set(facts.of('readmit.consumer.confirmed').map((fact) => fact.data.consumer));
  return (attestedOf(facts)?.consumers ?? []).map(({ id }) => id).filter((id) => !confirmed.has(id));
}

/** Whether targets must be watched for an enrolment or a take-over. */
export function needsWatching(facts: ExecutionFacts): boolean {
  const { enrolment, takeOver } = awaitedAccounts(facts);
  return enrolment.length > 0 || takeOver.length > 0;
}
