import { attestedOf } from '../decision-proof/attested.js';
import { byHuman } from '../decision-proof/humans.js';
import { operatorTeam, ownersOf, type Reader } from '../decision-proof/parties.js';
import { verifierRefusal } from '../decision-proof/verifier.js';
import { refusal, draft, type Command, type CommandRefusal } from '../kernel/behaviour.js';
import { blankReason, type OrderReason } from '../kernel/blank-text.js';
import type { IntakeEvents, IntakeFacts } from './intake.facts.js';

/** Stands in CaseFrozen for whoever holds a notice of the case: a code has no name. */
const codeHolder = 'repudiation-code';

export interface Repudiation {
  /** Who is signed in, if anybody. */
  readonly actor: Reader | undefined;
  /** Whether the code of the case's notices came along, and was right; undefined: none came. */
  readonly codeRight: boolean | undefined;
  readonly why: OrderReason;
}

/** "This was not me": never too late (R5.4). Freezes the case in every state; one that is closed stays closed, and what it gave is taken back. */
export const repudiate =
  (input: Repudiation): Command<Record<never, never>, IntakeEvents> =>
  (facts, context) => {
    const { key } = context;
    if (!facts.has('readmit.case.opened'))
      return refusal('not-found', 'R8.1', 'case-unknown', `There is no case ${key} (or this service has not heard of it yet).`);
    const who = repudiatorOf(facts, input);
    if ('refused' in who) return who;
    const blank = blankReason(input.why.reason);
    if (blank) return blank;
    // A signal freezes too, but says nothing for the subject: her word is put on record all the same.
    if (facts.of('readmit.case.frozen').some(({ data }) => data.cause !== 'signal')) return { emit: [], reply: {} };
    return { emit: [draft('readmit.case.frozen', key, { caseId: key, ...who, reasonDigest: input.why.digest })], reply: {} };
  };

/** A code opens nothing and only ends: whoever has one may use it. Others must be the subject, or speak for it and not be who asked. */
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
      'This is not the code of the notices of this case. Copy it from the newest notice, or call the help desk.',
    );
  if (!actor || !opened) return notTheSubject;
  if (sameHuman(facts, actor.id, opened.requester.id))
    return refusal(
      'forbidden',
      'R5.4',
      'repudiator-is-requester',
      'Who asked for this takes it back or ends it; only others can say for the subject that it was not the subject.',
    );
  if (actor.teams.includes(operatorTeam)) return { by: actor.id, cause: 'reported' };
  const people = attestedOf(facts)?.people ?? [];
  const verifiers = facts.last('readmit.case.classified')?.data.requirements.verifiers ?? [];
  const speaks = verifierRefusal(actor.id, opened, people, verifiers) === undefined;
  return speaks ? { by: actor.id, cause: 'reported' } : notTheSubject;
}
/** Whether both ids are of one human, as the case's people are attested. */
function sameHuman(facts: IntakeFacts, a: string, b: string | undefined): boolean {
  if (b === undefined) return false;
  const humanOf = byHuman(attestedOf(facts)?.people ?? []);
  return humanOf(a) === humanOf(b);
}
const notTheSubject = refusal(
  'forbidden',
  'R5.4',
  'not-the-subject',
  'A case is repudiated by its subject, with the code of a notice, or for the subject by the verifying teams and operators.',
);

/** An identity provider reports a compromise while the case lives: it is frozen, once (R6.4). A report from before the case is not about it. */
export const freezeBySignal =
  (signalId: string, receivedAt: string): Command<Record<never, never>, IntakeEvents> =>
  (facts, context) => {
    const opened = facts.first('readmit.case.opened');
    const nothing = !opened || opened.at > receivedAt || facts.has('readmit.case.closed') || facts.has('readmit.case.frozen');
    if (nothing) return { emit: [], reply: {} };
    return { emit: [draft('readmit.case.frozen', context.key, { caseId: context.key, by: signalId, cause: 'signal' })], reply: {} };
  };
