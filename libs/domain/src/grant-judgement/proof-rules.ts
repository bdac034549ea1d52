import type { FactOf } from '@readmit/contracts';
import type { Attested } from '../decision-proof/attested.js';
import { verifierRefusal } from '../decision-proof/verifier.js';
import { codeOf, evidenceDigest } from '../evidence/evidence.js';
import type { Crypto } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { plusSeconds } from '../kernel/time.js';
import type { GrantRefusal } from './grant-refusal.js';

type Evidence = FactOf<'readmit.evidence.added'>;
type ProofFacts = Facts<'readmit.evidence.added' | 'readmit.case.opened' | 'readmit.case.classified'>;

/** The proofs that a grant names, and what is wrong with them. */
export interface ProofsUsed {
  readonly used: readonly Evidence[];
  /** Whether all of them are known. */
  readonly complete: boolean;
  /** They differ from what was approved. */
  readonly changed: readonly GrantRefusal[];
  /** They should have been refused when they were collected. */
  readonly unfit: readonly GrantRefusal[];
}

/** Checks that the proofs of a grant are what was approved, and again what was checked when they were collected. */
export function judgeProofs(
  facts: ProofFacts,
  grant: FactOf<'readmit.approval.granted'>,
  attested: Attested | undefined,
  crypto: Crypto,
): ProofsUsed {
  const refusals: GrantRefusal[] = [];
  const refuse = (message: string): unknown =>
    refusals.push({ violation: 'evidence-differs', rule: 'R4.4', reason: 'evidence-changed', message });
  const refs = grant.data.evidence;
  const added = facts.of('readmit.evidence.added');
  const used = added.filter(({ data }) => refs.some((ref) => ref.id === data.evidenceId));
  if (evidenceDigest(refs, crypto) !== grant.data.evidenceDigest)
    refuse('The evidence digest does not match the proofs that the grant names.');
  if (new Set(refs.map(({ id }) => id)).size < refs.length || new Set(used.map(({ data }) => data.evidenceId)).size < used.length)
    refuse('The grant names a proof twice: a proof meets only one need.');
  for (const ref of refs)
    if (used.some(({ data }) => data.evidenceId === ref.id && data.digest !== ref.digest))
      refuse(`The proof ${ref.id} is not what was approved.`);
  const complete = refs.every((ref) => used.some(({ data }) => data.evidenceId === ref.id));
  return { used, complete, changed: refusals, unfit: used.flatMap((proof) => proofRefusals(proof, facts, grant, attested, crypto)) };
}

function proofRefusals(
  { at, data }: Evidence,
  facts: ProofFacts,
  grant: FactOf<'readmit.approval.granted'>,
  attested: Attested | undefined,
  crypto: Crypto,
): readonly GrantRefusal[] {
  const opened = facts.first('readmit.case.opened');
  const classified = facts.last('readmit.case.classified');
  if (!opened || !classified) return [];
  const refusals: GrantRefusal[] = [];
  const refuse = (rule: string, reason: string, message: string): unknown =>
    refusals.push({ violation: 'evidence-differs', rule, reason, message: `Proof ${data.evidenceId}: ${message}`.slice(0, 500) });

  const { requirements } = classified.data;
  if (data.collectedAt > grant.at || at > grant.at)
    refuse('R3.1', 'evidence-after-grant', 'it was collected after the grant that rests on it.');
  const needs = requirements.evidence.filter((need) => need.kind === data.kind);
  const longest = Math.max(...needs.map((need) => need.maxAgeSeconds));
  if (needs.length > 0 && !(new Date(data.staleAt) <= plusSeconds(data.collectedAt, longest)))
    refuse('R3.1', 'evidence-outlives-policy', `it is valid until ${data.staleAt}, longer than the policy allows.`);

  if (!attested) return refusals;
  const wrong = verifierRefusal(data.collectedBy, opened.data, attested.people, requirements.verifiers);
  if (wrong)
    refusals.push({
      violation: 'collector-invalid',
      rule: wrong.rule,
      reason: wrong.reason,
      message: `Proof ${data.evidenceId}: ${wrong.message}`,
    });
  if (data.kind !== 'call-back') return refusals;

  if (data.channel !== 'phone') refuse('R3.4', 'call-back-by-phone', 'a call-back must be made by phone.');
  if (data.contact === undefined || !attested.contacts.includes(data.contact))
    refuse('R3.4', 'contact-not-on-record', 'the number that was called is not on record for the subject.');
  const { caseKey } = opened.data;
  const { codeNonce } = classified.data;
  if (!caseKey) return refusals;
  if (data.fingerprint !== caseKey.fingerprint) refuse('R3.4', 'fingerprint-mismatch', 'the fingerprint is not that of the case key.');
  else if (codeNonce !== undefined && data.code !== codeOf(codeNonce, caseKey.fingerprint, crypto))
    refuse('R3.4', 'code-mismatch', 'the code that was read out is not that of the case key.');
  return refusals;
}
