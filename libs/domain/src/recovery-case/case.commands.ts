import { attestedOf } from '../decision-proof/attested.js';
import { byHuman } from '../decision-proof/humans.js';
import { operatorTeam, ownersOf, type Reader } from '../decision-proof/parties.js';
import { verifierRefusal } from '../decision-proof/verifier.js';
import { refusal, draft, type Command, type CommandRefusal } from '../kernel/behaviour.js';
import { blankReason, type OrderReason } from '../kernel/blank-text.js';
import type { IntakeEvents, IntakeFacts } from './intake.facts.js';

/** `by` of CaseFrozen when somebody used the code of a notice, which names no person. */
const codeHolder = 'repudiation-code';

export interface Repudiation {
  /** The person who is signed in, if any. */
  readonly actor: Reader | undefined;
  /** Whether the code of the notices was right; undefined: none was sent. */
  readonly codeRight: boolean | undefined;
  readonly why: OrderReason;
}

/** "This was not me": never too late (R5.4). Freezes the case in any state. A closed case stays closed, and what it gave is taken back. */
export const repudiate =
  (input: Repudiation): Command<Record<never, never>, IntakeEvents> =>
  (facts, context) => {
    const { key } = context;
    if (!facts.has('readmit.case.opened'))
      return refusal(
        'not-found',
        'R8.1',
        'case-unknown',
        `There is no case ${key}, or this service has not received it yet. Check the id.`,
      );
    const who = repudiatorOf(facts, input);
    if ('refused' in who) return who;
    const blank = blankReason(input.why.reason);
    if (blank) return blank;
    // A freeze by a signal does not count: it is not a statement by the subject, which is recorded too.
    if (facts.of('readmit.case.frozen').some(({ data }) => data.cause !== 'signal')) return { emit: [], reply: {} };
    return { emit: [draft('readmit.case.frozen', key, { caseId: key, ...who, reasonDigest: input.why.digest })], reply: {} };
  };

/** Who repudiates, or the refusal. Anyone with the code may, since it can only end. Others must be the subject, or speak for it and not be the requester. */
function repudiatorOf(
  facts: IntakeFacts,
  { actor, codeRight }: Repudiation,
): { readonly by: string; readonly cause: 'repudiated' | 'reported' } | CommandRefusal {
  const opened = facts.first('readmit.case.opened')?.data;
  if (actor && (sameHuman(facts, actor.id, opened?.subject.id) || ownersOf(facts).includes(actor.id)))
    return { by: actor.id, cause: 'repudiated' };
  if (codeRight) return { by: codeHolder, cause: 'repudiated' };
  if (codeRight === false)
    return refusal(
      'forbidden',
      'R5.4',
      'repudiation-code-wrong',
      'This code does not belong to a notice of this case. Copy it from the latest notice, or call the help desk.',
    );
  if (!actor || !opened) return notTheSubject;
  if (sameHuman(facts, actor.id, opened.requester.id))
    return refusal(
      'forbidden',
      'R5.4',
      'repudiator-is-requester',
      'The requester cannot repudiate for the subject. Withdraw the request, or end the case.',
    );
  if (actor.teams.includes(operatorTeam)) return { by: actor.id, cause: 'reported' };
  const people = attestedOf(facts)?.people ?? [];
  const verifiers = facts.last('readmit.case.classified')?.data.requirements.verifiers ?? [];
  const speaks = verifierRefusal(actor.id, opened, people, verifiers) === undefined;
  return speaks ? { by: actor.id, cause: 'reported' } : notTheSubject;
}
/** Whether both ids belong to one human, by the attested people. */
function sameHuman(facts: IntakeFacts, a: string, b: string | undefined): boolean {
  if (b === undefined) return false;
  const humanOf = byHuman(attestedOf(facts)?.people ?? []);
  return humanOf(a) === humanOf(b);
}
const notTheSubject = refusal(
  'forbidden',
  'R5.4',
  'not-the-subject',
  'Only the subject, the holder of a notice code, the verifying teams or operators can repudiate a case.',
);

/** Freezes an open case once, after an identity provider reported a compromise (R6.4). A report from before the case does not count. */
export const freezeBySignal =
  (signalId: string, receivedAt: string): Command<Record<never, never>, IntakeEvents> =>
  (facts, context) => {
    const opened = facts.first('readmit.case.opened');
    const nothing = !opened || opened.at > receivedAt || facts.has('readmit.case.closed') || facts.has('readmit.case.frozen');
    if (nothing) return { emit: [], reply: {} };
    return { emit: [draft('readmit.case.frozen', context.key, { caseId: context.key, by: signalId, cause: 'signal' })], reply: {} };
  };
