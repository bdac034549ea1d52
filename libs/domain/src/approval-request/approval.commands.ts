import type { Decision, EventData, Person } from '@readmit/contracts';
import { checkDecision } from '../decision-proof/decision-proof.js';
import { spoken } from '../evidence/evidence.js';
import { refusal, say, type Command, type Context, type Refusal } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { instant, plusSeconds, reached } from '../kernel/time.js';
import { approvalState, decisionsFor } from './approval.react.js';
import { approvalTransitions, type ApprovalCommand } from './approval.transitions.js';

const notReady = (waitsFor: string): Refusal =>
  refusal('not-ready', 'R8.1', 'not-ready', `This service has not heard of ${waitsFor} yet. Try again in a moment.`);

/** What the table says of the command in the state that the request is in. */
function guard(facts: Facts, context: Context, command: ApprovalCommand): Refusal | undefined {
  if (!facts.has('readmit.case.opened')) return notReady('the case');
  const { name } = approvalState(facts, context.now, context.crypto);
  const cell = approvalTransitions[name][command];
  switch (cell) {
    case 'allowed':
      return undefined;
    case 'not-ready':
      return notReady('the plan of the case');
    case 'evidence-missing':
      return refusal(
        'conflict',
        'R3.1',
        cell,
        'The proofs that the policy asks for are not all there (or are stale). Decide when they are.',
      );
    default:
      return refusal('conflict', 'R4.7', cell, `The request is ${name}; nothing can be added or decided any more.`);
  }
}

export interface EvidenceInput {
  readonly kind: EventData<'readmit.evidence.added'>['kind'];
  readonly channel: EventData<'readmit.evidence.added'>['channel'];
  readonly assurance: number;
  readonly fingerprint?: string | undefined;
  readonly contact?: string | undefined;
  /** Digest of note and salt. */
  readonly digest: string;
}

/** A proof enters the case: who may collect it, that it belongs to the case, and that it is what it says. */
export const addEvidence =
  (actor: string, input: EvidenceInput): Command<{ evidenceId: string }> =>
  (facts, context) => {
    const closed = guard(facts, context, 'add-evidence');
    if (closed) return closed;
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    const attested = facts.last('readmit.people.attested');
    if (!opened || !classified || !attested) return notReady('the classification of the case');
    const verifier = attested.data.people.find((person) => person.id === actor);
    const wrong = verifierProblem(verifier, opened.data, attested.data.people, classified.data.requirements.verifiers);
    if (wrong) return wrong;
    const need = classified.data.requirements.evidence.find((candidate) => candidate.kind === input.kind);
    if (!need)
      return refusal(
        'invalid',
        'R3.1',
        'evidence-not-asked',
        `The policy asks for ${classified.data.requirements.evidence.map((item) => item.kind).join(', ')} here, not for ${input.kind}.`,
      );
    if (input.kind === 'call-back') {
      const bad = callBackProblem(input, opened.data, attested.data);
      if (bad) return bad;
    }
    const evidenceId = context.newId('evidence');
    const data: EventData<'readmit.evidence.added'> = {
      caseId: context.key,
      evidenceId,
      kind: input.kind,
      channel: input.channel,
      assurance: input.assurance,
      collectedBy: actor,
      collectedAt: instant(context.now),
      staleAt: instant(plusSeconds(context.now, need.maxAgeSeconds)),
      digest: input.digest,
      ...(input.contact === undefined ? {} : { contact: input.contact }),
      ...(input.kind === 'call-back' && opened.data.caseKey ? { fingerprint: opened.data.caseKey.fingerprint } : {}),
    };
    return { emit: [say('readmit.evidence.added', context.key, data)], reply: { evidenceId } };
  };

/** Why this person may not verify the case, or undefined: whoever may collect its proofs may also see whom to call. */
export function verifierProblem(
  verifier: Person | undefined,
  opened: EventData<'readmit.case.opened'>,
  people: readonly Person[],
  teams: readonly string[],
): Refusal | undefined {
  if (!verifier) return refusal('forbidden', 'R4.2', 'verifier-unknown', 'The directory does not attest this person for the case.');
  const human = (id: string | undefined): string | undefined => people.find((person) => person.id === id)?.human ?? id;
  if (human(opened.requester.id) === verifier.human)
    return refusal(
      'forbidden',
      'R4.2',
      'verifier-is-requester',
      'Who asks cannot verify. An agent who is neither requester nor subject must.',
    );
  if (human(opened.subject.id) === verifier.human)
    return refusal(
      'forbidden',
      'R4.2',
      'verifier-is-subject',
      'Nobody verifies herself. An agent who is neither requester nor subject must.',
    );
  if (verifier.employment === 'vendor') return refusal('forbidden', 'R3.10', 'verifier-is-vendor', 'Vendor staff can ask, never verify.');
  if (!teams.some((team) => verifier.teams.includes(team)))
    return refusal('forbidden', 'R4.2', 'not-a-verifier', `Evidence of this case is collected by ${teams.join(', ')}.`);
  return undefined;
}

function callBackProblem(
  input: EvidenceInput,
  opened: EventData<'readmit.case.opened'>,
  attested: EventData<'readmit.people.attested'>,
): Refusal | undefined {
  if (input.channel !== 'phone')
    return refusal('invalid', 'R3.4', 'call-back-by-phone', 'A call-back is made by phone, to the number on record.');
  if (input.contact === undefined || !attested.contacts.includes(input.contact))
    return refusal(
      'invalid',
      'R3.4',
      'contact-not-on-record',
      'Call the number on record (the desk’s contact list gives it) and name it; a number from the request never counts.',
    );
  if (opened.caseKey && input.fingerprint !== spoken(opened.caseKey.fingerprint))
    return refusal(
      'invalid',
      'R3.4',
      'fingerprint-mismatch',
      'What was read out is not the fingerprint of the key that asked. Whoever asked may not be who you called: stop and raise it.',
    );
  return undefined;
}

/** A signed decision. Refused ones are recorded with the rule that they broke. */
export const decide =
  (actor: string, statement: Decision['statement'], proof: Decision['proof']): Command<{ decisionId: string }> =>
  (facts, context) => {
    const barred = guard(facts, context, 'decide');
    // Who decides comes before whether it is time: an attempt at self-approval is recorded as one even when proofs are missing.
    if (barred && barred.reason !== 'evidence-missing') return barred;
    if (statement.approver !== actor)
      return refusal(
        'forbidden',
        'R4.2',
        'approver-is-not-signed-in',
        'The statement names another approver than the one who is signed in.',
      );
    const state = approvalState(facts, context.now, context.crypto);
    if (state.name !== 'waiting-for-decisions' && state.name !== 'waiting-for-evidence') return notReady('the plan of the case');
    const decision: Decision = { id: context.newId('decision'), statement, proof };
    const wrong = checkDecision(decision, state.basis, context.crypto);
    if (wrong) {
      const changed = wrong.reason === 'plan-changed' || wrong.reason === 'evidence-changed' || wrong.reason === 'policy-changed';
      return refusal(changed ? 'conflict' : 'forbidden', wrong.rule, wrong.reason, wrong.says);
    }
    if (barred) return barred;
    if (reached(state.decideBefore, context.now)) return refusal('conflict', 'R4.7', 'approval-expired', 'The time to decide is over.');
    const request = facts
      .of('readmit.approval.requested')
      .findLast((fact) => fact.data.planDigest === state.basis.planDigest && fact.data.evidenceDigest === state.basis.evidenceDigest);
    if (!request) return notReady('the request to decide');
    if (request.data.nonce !== statement.nonce)
      return refusal(
        'conflict',
        'R4.4',
        'nonce-unknown',
        'The statement does not carry the nonce of this request. Fetch the request again and sign anew.',
      );
    const human = (id: string): string => state.basis.people.find((person) => person.id === id)?.human ?? id;
    if (decisionsFor(facts, state.basis).some((fact) => human(fact.data.decision.statement.approver) === human(actor)))
      return refusal('conflict', 'R4.2', 'already-decided', 'This human has decided on exactly this already; a person counts once.');
    return { emit: [say('readmit.decision.recorded', context.key, { caseId: context.key, decision })], reply: { decisionId: decision.id } };
  };

/** The requester takes the request back; only before it is granted (afterwards it is ended at the scheduler). `by`: person id or `case-key`. */
export const withdraw =
  (by: { readonly person?: string | undefined; readonly caseKey?: string | undefined }): Command<Record<never, never>> =>
  (facts, context) => {
    const closed = guard(facts, context, 'withdraw');
    if (closed) return closed;
    const opened = facts.first('readmit.case.opened');
    const mine =
      (by.person !== undefined && opened?.data.requester.id === by.person) ||
      (by.caseKey !== undefined && opened?.data.caseKey?.signing.x === by.caseKey);
    if (!mine) return refusal('forbidden', 'R4.7', 'not-the-requester', 'Only the requester can take a request back.');
    return { emit: [say('readmit.approval.withdrawn', context.key, { caseId: context.key, by: by.person ?? 'case-key' })], reply: {} };
  };
