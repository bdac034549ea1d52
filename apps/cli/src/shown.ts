import { evidenceDigest, proofDigest } from '@readmit/domain';
import type { Answer } from './client.js';
import { crypto } from './log-tools.js';

type View = Answer<'showApproval'>;

/** Digests of what an approver was shown, computed here and not taken from the service. */
export interface Shown {
  readonly planDigest: string;
  readonly evidenceDigest: string;
  /** Undefined: there is no classification yet, so no policy. */
  readonly policyDigest: string | undefined;
  /** What the service asks to be signed though something else is shown, one sentence each; empty when all is one. */
  readonly differs: readonly string[];
}

/**
 * Whether what is to be signed is what is shown (R4.10): each proof from its words, the proofs together, the plan, the policy.
 * `knownPolicy`: the digest of the policy that the approver has read: nothing else may be signed, whatever is shown.
 */
export function shown(view: View, caseId: string, knownPolicy?: string): Shown {
  const { plan, policy, evidence } = view;
  const differs: string[] = [];
  const compare = (what: string, computed: string, named: string | null): void => {
    if (named !== null && computed !== named)
      differs.push(`The ${what} that was shown is not the ${what} to be signed (shown ${computed}, to be signed ${named})`);
  };
  if (view.caseId !== caseId) differs.push(`What was shown belongs to ${view.caseId}`);
  if (plan && plan.caseId !== caseId) differs.push(`The plan that was shown belongs to ${plan.caseId}`);
  const planDigest = crypto.digest(plan);
  if (plan) compare('plan', planDigest, view.planDigest);

  const refs = evidence.map((proof) => {
    const { note, salt } = proof;
    if (note === null || salt === null) {
      differs.push(`The text of the proof ${proof.id} is not shown`);
      return { id: proof.id, digest: proof.digest };
    }
    const digest = proofDigest({ ...proof, note, salt }, crypto);
    compare(`proof ${proof.id}`, digest, proof.digest);
    return { id: proof.id, digest };
  });
  const evidenceShown = evidenceDigest(refs, crypto);
  compare('evidence', evidenceShown, view.evidenceDigest);

  let policyDigest = view.policyDigest ?? undefined;
  if (policy && policyDigest !== undefined) {
    compare('policy', policy.digest, policyDigest);
    if (policy.document !== null && policy.document !== undefined) {
      const computed = crypto.digest(policy.document);
      compare('policy document', computed, policyDigest);
      policyDigest = computed;
    } else if (knownPolicy === undefined) differs.push(`The document of the policy ${policy.version} (${policyDigest}) is not shown`);
  } else if (policyDigest !== undefined) differs.push('The policy is not shown');
  if (knownPolicy !== undefined && policyDigest !== undefined && knownPolicy !== policyDigest)
    differs.push(`The policy to be signed (${policyDigest}) differs from the one you named (${knownPolicy})`);
  return { planDigest, evidenceDigest: evidenceShown, policyDigest, differs };
}
