import type { Answer } from './client.js';
import { digestOf } from './keys.js';

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

/** The digest of a proof as approval makes it: everything that is shown of it but its id and its end. */
function proofDigest({ kind, channel, assurance, note, salt, contact, code, by, at }: View['evidence'][number]): string {
  return digestOf({
    kind,
    channel,
    assurance,
    note,
    ...(contact === undefined ? {} : { contact }),
    ...(code === undefined ? {} : { code }),
    by,
    at,
    salt,
  });
}

/**
 * Whether what is to be signed is what is shown (R4.10): each proof from its words, the proofs together, the plan, the policy.
 * `knownPolicy`: the digest of a policy that the approver has read elsewhere.
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
  const planDigest = digestOf(plan);
  if (plan) compare('plan', planDigest, view.planDigest);

  const refs = evidence.map((proof) => {
    if (proof.note === null || proof.salt === null) {
      differs.push(`The words of the proof ${proof.id} are not shown`);
      return { id: proof.id, digest: proof.digest };
    }
    const digest = proofDigest(proof);
    compare(`proof ${proof.id}`, digest, proof.digest);
    return { id: proof.id, digest };
  });
  const evidenceDigest = digestOf(refs.sort((a, b) => (a.id < b.id ? -1 : 1)));
  compare('evidence', evidenceDigest, view.evidenceDigest);

  let policyDigest = view.policyDigest ?? undefined;
  if (policy && policyDigest !== undefined) {
    compare('policy', policy.digest, policyDigest);
    if (policy.document !== null && policy.document !== undefined) {
      const computed = digestOf(policy.document);
      compare('policy document', computed, policyDigest);
      policyDigest = computed;
    } else if (knownPolicy !== policyDigest) differs.push(`The document of the policy ${policy.version} (${policyDigest}) is not shown`);
  } else if (policyDigest !== undefined) differs.push('The policy is not shown');
  return { planDigest, evidenceDigest, policyDigest, differs };
}
