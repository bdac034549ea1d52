import type { EventData, Plan, Step, Undo } from '@readmit/contracts';
import type { Crypto, Refusal } from '../kernel/behaviour.js';
import { stepServesAsk, stepTable, undoTable } from '../kernel/restorations.js';

/** Why the plan does something that was not requested, or undefined: every step and obligation belongs to an ask of the case (R2.2). */
export function planNotAsked(
  plan: Plan,
  opened: EventData<'readmit.case.opened'>,
  grant: Pick<EventData<'readmit.approval.granted'>, 'durationSeconds'>,
  crypto: Crypto,
): Refusal | undefined {
  const refuse = (message: string): Refusal => ({ rule: 'R2.2', reason: 'plan-not-asked', message });
  if (plan.caseId !== opened.caseId || crypto.canonical(plan.asks) !== crypto.canonical(opened.asks))
    return refuse('The plan has other asks than the case.');
  if (plan.durationSeconds > opened.durationSeconds || grant.durationSeconds !== plan.durationSeconds)
    return refuse('The plan or its grant lasts longer than requested.');
  for (const step of plan.steps) {
    const ask = opened.asks.find(({ id }) => id === step.askId);
    const same = ask && step.connector === ask.connector && step.object === ask.object && step.entitlement === ask.entitlement;
    // A step without an entitlement removes something or is about the whole account.
    const ofAccount = ask && step.entitlement === undefined && step.connector === ask.connector && step.object === ask.object;
    if (!ask || !(same || (ofAccount && !stepTable[step.kind].ofEntitlement)))
      return refuse(`The step ${step.id} (${step.kind} of ${step.object}) was not requested.`);
    if (!stepServesAsk(step.kind, ask.kind))
      return refuse(`The step ${step.id} is ${step.kind}, which does not belong to the requested ${ask.kind}.`);
  }
  const stray = plan.obligations.find((undo) => !undoesSomething(undo, plan, opened));
  return stray && refuse(`The obligation ${stray.id} (${stray.kind} of ${stray.object}) undoes nothing that was requested.`);
}

function undoesSomething(undo: Undo, plan: Plan, opened: EventData<'readmit.case.opened'>): boolean {
  if (undoTable[undo.kind].of === 'ask') return opened.asks.some((ask) => ask.connector === undo.connector && ask.object === undo.object);
  return plan.steps.some((step) => stepTable[step.kind].undo === undo.kind && sameThing(step, undo));
}
/** Whether the undo, whose kind matches the step, reverses this step. */
const sameThing = (step: Step, undo: Undo): boolean =>
  step.connector === undo.connector &&
  step.hold === undo.hold &&
  // A login is matched by its hold: the target chose its name.
  (undoTable[undo.kind].objectOfTarget === true || (step.object === undo.object && step.entitlement === undo.entitlement));

/** Why the plan would not be undone in time, or undefined: whatever a step gives has an obligation that is armed by the start and due when the grant ends (R6.1). */
export function obligationRefusal(plan: Plan, overlapSeconds: number): Refusal | undefined {
  if (new Set(plan.obligations.map(({ id }) => id)).size < plan.obligations.length)
    return {
      rule: 'R6.1',
      reason: 'obligations-differ',
      message: 'Two obligations of the plan have the same id, so one of them would be lost.',
    };
  for (const step of plan.steps) {
    const kind = stepTable[step.kind].undo;
    if (kind === undefined) continue;
    const takenOver = undoTable[kind].endsOn === 'take-over';
    const bound = takenOver ? Math.max(plan.durationSeconds, overlapSeconds) : plan.durationSeconds;
    const undos = plan.obligations.filter(
      (undo) => undo.kind === kind && undo.armedBy === 'start' && (takenOver || !undo.unlessTakenOver) && sameThing(step, undo),
    );
    if (undos.length === 0)
      return {
        rule: 'R6.1',
        reason: 'obligation-missing',
        message: `No obligation would undo the step ${step.id} (${step.kind} of ${step.object}).`,
      };
    if (!undos.some((undo) => undo.afterSeconds <= bound))
      return {
        rule: 'R6.2',
        reason: 'obligation-too-late',
        message: `The step ${step.id} would be undone later than after ${bound} s.`,
      };
  }
  const late = plan.obligations.find(
    (undo) => undo.armedBy === 'success' && undo.afterSeconds > Math.max(plan.durationSeconds, overlapSeconds),
  );
  return late && { rule: 'R6.2', reason: 'obligation-too-late', message: `The obligation ${late.id} is due later than the policy allows.` };
}
