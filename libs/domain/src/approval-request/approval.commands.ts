import type { Decision, EventData } from '@readmit/contracts';
import { attestedOf } from '../decision-proof/attested.js';
import { checkDecision, checkDenial } from '../decision-proof/decision-proof.js';
import { verifierRefusal } from '../decision-proof/verifier.js';
import { codeOf, proofDigest, type ProofContent } from '../evidence/evidence.js';
import {
  refusal,
  draft,
  type Command,
  type CommandResult,
  type Refusal,
  type RecordedRefusal,
  type CommandRefusal,
} from '../kernel/behaviour.js';
import { blankReason, isBlank } from '../kernel/blank-text.js';
import { instant, plusSeconds, reached, signedTimeFault } from '../kernel/time.js';
import { approvalState, hasDecided, requestFor, type ApprovalState } from './approval.state.js';
import { approvalTransitions, type ApprovalCommand } from './approval.transitions.js';
import { requireAttestation, notReady } from './attestation.js';
import type { ApprovalContext, ApprovalEvents, ApprovalFacts } from './approval.facts.js';

/** Refuses a command that is not allowed in the state of the request, by the table of transitions. */
function guard(facts: ApprovalFacts, context: ApprovalContext, command: ApprovalCommand): CommandRefusal | undefined {
  if (!facts.has('readmit.case.opened')) return notReady('the case');
  const { name } = approvalState(facts, context.now, context.crypto);
  const cell = approvalTransitions[name][command];
  switch (cell) {
    case 'allowed':
      return undefined;
    case 'not-ready':
      return notReady('the plan of the case');
    case 'evidence-missing':
      return refusal('conflict', 'R3.1', cell, 'Proofs that the policy requires are missing or stale. Decide when they are recorded.');
    case 'approval-failed':
      return refusal(
        'conflict',
        'R4.7',
        cell,
        'No plan could be made, so the request has ended. Nothing can be added or decided any more.',
      );
    default:
      return refusal('conflict', 'R4.7', cell, `The request is ${name}. Nothing can be added or decided any more.`);
  }
}

/** A proof as submitted: what its digest covers, without collector and time. */
export type EvidenceInput = Omit<ProofContent, 'by' | 'at'>;

/** More than any case needs; the grant must name each. */
const maxProofs = 100;
/** A guess is right once in 2^32. After this many wrong codes for a case, by anyone, call-backs no longer count. */
const maxWrongCodes = 5;

/** Records a proof after checking who collects it, that the policy requires it, and the read-back code of a call-back. */
export const addEvidence =
  (actor: string, input: EvidenceInput): Command<{ readonly evidenceId: string } | RecordedRefusal, ApprovalEvents> =>
  (facts, context) => {
    const closed = guard(facts, context, 'add-evidence');
    if (closed) return closed;
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    if (!opened || !classified) return notReady('the classification of the case');
    const first = requireAttestation(facts, context, actor);
    if (first) return first;
    const attested = attestedOf(facts);
    const wrong = verifierRefusal(actor, opened.data, attested?.people ?? [], classified.data.requirements.verifiers);
    if (wrong) return wrong;
    const need = classified.data.requirements.evidence.find((candidate) => candidate.kind === input.kind);
    if (!need)
      return refusal(
        'invalid',
        'R3.1',
        'evidence-not-asked',
        `The policy requires ${classified.data.requirements.evidence.map((item) => item.kind).join(', ')} for this case, not ${input.kind}.`,
      );
    if (isBlank(input.note)) return refusal('invalid', 'R3.1', 'note-blank', 'The note is blank. Write what was seen or heard.');
    if (facts.of('readmit.evidence.added').length >= maxProofs)
      return refusal('conflict', 'R3.1', 'too-many-proofs', `The case already has ${maxProofs} proofs. Open a new request.`);
    const { caseKey } = opened.data;
    if (input.kind === 'call-back') {
      const code = caseKey && classified.data.codeNonce && codeOf(classified.data.codeNonce, caseKey.fingerprint, context.crypto);
      const bad =
        callBackRefusal(input, attested?.contacts ?? [], caseKey !== undefined, code) ?? checkCode(facts, context, actor, input, code);
      if (bad) return bad;
    }
    const called = input.kind === 'call-back';
    const compared = called && caseKey !== undefined;
    // A value that was not checked proves nothing and is not recorded.
    const words: ProofContent = {
      ...input,
      contact: called ? input.contact : undefined,
      code: compared ? input.code : undefined,
      by: actor,
      at: instant(context.now),
    };
    const evidenceId = context.newId('evidence');
    const data: EventData<'readmit.evidence.added'> = {
      caseId: context.key,
      evidenceId,
      kind: words.kind,
      channel: words.channel,
      assurance: words.assurance,
      collectedBy: words.by,
      collectedAt: words.at,
      staleAt: instant(plusSeconds(context.now, need.maxAgeSeconds)),
      digest: proofDigest(words, context.crypto),
      ...(words.contact === undefined ? {} : { contact: words.contact }),
      ...(words.code === undefined ? {} : { code: words.code }),
      ...(compared ? { fingerprint: caseKey.fingerprint } : {}),
    };
    return { emit: [draft('readmit.evidence.added', context.key, data)], reply: { evidenceId } };
  };

/** `expected`: the code of the case; undefined if classification generated no nonce for it. */
function callBackRefusal(
  input: EvidenceInput,
  contacts: readonly string[],
  byKey: boolean,
  expected: string | undefined,
): CommandRefusal | undefined {
  if (input.channel !== 'phone')
    return refusal('invalid', 'R3.4', 'call-back-by-phone', 'A call-back must be made by phone, to the number on record.');
  if (input.contact === undefined || !contacts.includes(input.contact))
    return refusal(
      'invalid',
      'R3.4',
      'contact-not-on-record',
      'Call a number on record (from the contact list of the case) and name it. A number from the request never counts.',
    );
  if (byKey && expected === undefined)
    return refusal(
      'conflict',
      'R3.4',
      'code-nonce-missing',
      'The case was classified by an older release without a code, so no call-back can prove who asked. Open a new request.',
    );
  // A missing code is not a guess and does not count as a wrong one.
  if (byKey && input.code === undefined)
    return refusal(
      'invalid',
      'R3.4',
      'code-missing',
      'Enter the code that the requester reads out on the call. A missing code does not count as a wrong one.',
    );
  return undefined;
}

/** Checks the read-back code. Wrong codes are counted by case, which ends guessing. */
function checkCode(
  facts: ApprovalFacts,
  context: ApprovalContext,
  actor: string,
  input: EvidenceInput,
  expected: string | undefined,
): CommandResult<RecordedRefusal> | undefined {
  if (expected === undefined) return undefined;
  const wrong = facts.of('readmit.approval.refused').filter(({ data }) => data.reason === 'code-mismatch').length;
  // Then the right code is refused too: accepting it would confirm a guess.
  if (wrong >= maxWrongCodes)
    return refusal(
      'conflict',
      'R3.4',
      'too-many-wrong-codes',
      `${maxWrongCodes} wrong codes were entered for this case; no call-back counts any more. Escalate it, and let the person open a new request.`,
    );
  if (input.code === expected) return undefined;
  const mismatch = refusal(
    'invalid',
    'R3.4',
    'code-mismatch',
    'This is not the code of the case. The person you called may not be the requester: stop and escalate it.',
  );
  const { rule, reason, message } = mismatch;
  return {
    emit: [
      draft('readmit.approval.refused', context.key, { key: context.key, command: 'add-evidence', rule, reason, actor, says: message }),
    ],
    reply: { refusal: mismatch },
  };
}

/** Records a signed decision. A refused one is recorded with the rule that it broke. */
export const decide =
  (
    actor: string,
    statement: Decision['statement'],
    proof: Decision['proof'],
  ): Command<{ readonly decisionId: string } | RecordedRefusal, ApprovalEvents> =>
  (facts, context) => {
    const barred = guard(facts, context, statement.decision);
    // Who decides is checked before whether it is time: self-approval is recorded as such even while proofs are missing.
    if (barred && barred.reason !== 'evidence-missing') return barred;
    if (statement.approver !== actor)
      return refusal(
        'forbidden',
        'R4.2',
        'approver-is-not-signed-in',
        'The statement names another approver than the person who is signed in.',
      );
    const first = requireAttestation(facts, context, actor);
    if (first) return first;
    const state = approvalState(facts, context.now, context.crypto);
    const decision: Decision = { id: context.newId('decision'), statement, proof };
    const wrong = decisionRefusal(decision, state, context);
    if (wrong) return wrong;
    const blank = blankReason(statement.reason);
    if (blank) return blank;
    if (signedTimeFault(statement.decidedAt, context.now, context.now))
      return refusal(
        'invalid',
        'R4.10',
        'decided-at-implausible',
        'The signed time of the decision is not the current time. Set the clock of your machine and sign again.',
      );
    // A denial waits for nothing: no proofs, no request to decide, and the same person may have approved before.
    const late = statement.decision === 'approve' ? (barred ?? approvalRefusal(actor, statement, facts, state, context)) : undefined;
    if (late) return late;
    return {
      emit: [draft('readmit.decision.recorded', context.key, { caseId: context.key, decision })],
      reply: { decisionId: decision.id },
    };
  };

/** Why the signed statement does not count for this request, or undefined. */
function decisionRefusal(decision: Decision, state: ApprovalState, { crypto }: ApprovalContext): CommandRefusal | undefined {
  const answered = (wrong: Refusal | undefined): CommandRefusal | undefined => {
    const changed = wrong?.reason === 'plan-changed' || wrong?.reason === 'evidence-changed' || wrong?.reason === 'policy-changed';
    return wrong && refusal(changed ? 'conflict' : 'forbidden', wrong.rule, wrong.reason, wrong.message);
  };
  const basis = 'basis' in state ? state.basis : undefined;
  if (decision.statement.decision === 'approve')
    return basis ? answered(checkDecision(decision, basis, crypto)) : notReady('the plan of the case');
  const who = basis ?? ('who' in state ? state.who : undefined);
  return who ? answered(checkDenial(decision, who, crypto)) : notReady('the people of the case');
}

/** Why it cannot be approved now, or undefined. */
function approvalRefusal(
  actor: string,
  { nonce }: Decision['statement'],
  facts: ApprovalFacts,
  state: ApprovalState,
  { now }: ApprovalContext,
): CommandRefusal | undefined {
  if (!('basis' in state)) return notReady('the plan of the case');
  const { basis } = state;
  if (reached(state.decideBefore, now))
    return refusal('conflict', 'R4.7', 'approval-expired', 'The time to decide is over. Open a new request.');
  const request = requestFor(facts, basis);
  if (!request) return notReady('the request to decide');
  if (request.data.nonce !== nonce)
    return refusal(
      'conflict',
      'R4.4',
      'nonce-unknown',
      'The statement has another nonce than this request. Fetch the request and sign again.',
    );
  if (hasDecided(facts, basis, actor))
    return refusal('conflict', 'R4.2', 'already-decided', 'This person has already decided on this plan and evidence, and counts once.');
  return undefined;
}

/** The requester withdraws the request before it is granted. Afterwards the grant is ended at the scheduler. */
export const withdraw =
  (by: { readonly person?: string | undefined; readonly caseKey?: string | undefined }): Command<Record<never, never>, ApprovalEvents> =>
  (facts, context) => {
    const closed = guard(facts, context, 'withdraw');
    const opened = facts.first('readmit.case.opened');
    const asked = by.person !== undefined && opened?.data.requester.id === by.person;
    const byKey = by.caseKey !== undefined && opened?.data.caseKey?.signing.x === by.caseKey;
    // Whether a plan can be made depends on the subject, which a key holder must not learn: for them a failed case is like an open one.
    if (closed && !(closed.reason === 'approval-failed' && byKey && !asked)) return closed;
    const isRequester = asked || byKey;
    if (!isRequester) return refusal('forbidden', 'R4.7', 'not-the-requester', 'Only the requester can withdraw a request.');
    return { emit: [draft('readmit.approval.withdrawn', context.key, { caseId: context.key, by: by.person ?? 'case-key' })], reply: {} };
  };
