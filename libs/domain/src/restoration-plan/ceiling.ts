import type { CaseClass, Ceiling, EventData, Plan, Requirements } from '@readmit/contracts';
import type { Refusal } from '../kernel/behaviour.js';
import { stepTable } from '../kernel/restorations.js';

/** Why a plan exceeds its ceiling, or undefined. Checked when it is built, when it is approved and before it is executed. */
export function aboveCeiling(plan: Plan, caseClass: CaseClass, ceiling: Ceiling): Refusal | undefined {
  if (plan.class !== caseClass)
    return { rule: 'R1.1', reason: 'plan-of-another-class', message: `The plan is for ${plan.class}, the case is ${caseClass}.` };
  for (const step of plan.steps) {
    if (!stepTable[step.kind].classes.includes(caseClass))
      return {
        rule: 'R2.1',
        reason: 'plan-above-ceiling',
        message: `A case of class ${caseClass} can never have the step ${step.kind}, not even with an approval.`,
      };
    if (!ceiling.steps.includes(step.kind))
      return { rule: 'R2.1', reason: 'plan-above-ceiling', message: `The ceiling of this case does not allow ${step.kind}.` };
    if (step.entitlement !== undefined && !ceiling.entitlements.includes(step.entitlement))
      return { rule: 'R2.1', reason: 'plan-above-ceiling', message: `The ceiling of this case does not allow ${step.entitlement}.` };
  }
  if (plan.durationSeconds > ceiling.maxDurationSeconds)
    return { rule: 'R4.5', reason: 'duration-above-ceiling', message: durationAbove(ceiling) };
  return undefined;
}

/** Refuses a request without the ticket that the policy requires. Checked when the plan is built and before it is executed. */
export const ticketMissing = (
  { ticket }: Pick<EventData<'readmit.case.opened'>, 'ticket'>,
  requirements: Pick<Requirements, 'ticket'>,
): Refusal | undefined =>
  requirements.ticket && ticket === undefined
    ? {
        rule: 'R4.5',
        reason: 'ticket-missing',
        message: 'The policy requires a ticket and the request names none. Open a new request with a ticket.',
      }
    : undefined;

const durationAbove = ({ maxDurationSeconds }: Ceiling): string =>
  `At most ${maxDurationSeconds} s are allowed. Open a new request with a shorter duration.`;

/** Why no plan can serve the request, or undefined. Checked before the target is read, whose own refusal could name a step that nobody requested. */
export function unservable(
  opened: Pick<EventData<'readmit.case.opened'>, 'ticket' | 'durationSeconds'>,
  { ceiling, requirements, reasons }: Pick<EventData<'readmit.case.classified'>, 'ceiling' | 'requirements' | 'reasons'>,
): Refusal | undefined {
  // Classification allows no step for an account that is not the subject's; its reason names the account.
  if (ceiling.steps.length === 0)
    return {
      rule: 'R2.1',
      reason: 'account-not-of-subject',
      message: reasons.find(({ rule }) => rule === 'R2.1')?.says ?? 'Nothing can be restored for this subject.',
    };
  if (opened.durationSeconds > ceiling.maxDurationSeconds)
    return { rule: 'R4.5', reason: 'duration-above-ceiling', message: durationAbove(ceiling) };
  return ticketMissing(opened, requirements);
}
