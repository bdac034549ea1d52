import type { Policy } from '@readmit/contracts';
import { refusal, draft, type Command } from '../kernel/behaviour.js';
import type { ClassificationEvents } from './classification.facts.js';

/** The policy in force: the document, and the SHA-256 of its JCS, which every decision names (R9.1). */
export interface ActivePolicy {
  readonly document: Policy;
  readonly digest: string;
}

/** Records the policy in force. A version never changes its content: a decision must name exactly what was in force (R9.1). */
export const activatePolicy =
  ({ document, digest }: ActivePolicy): Command<Record<never, never>, ClassificationEvents> =>
  (facts) => {
    const { version } = document;
    const other = facts.of('readmit.policy.activated').find(({ data }) => data.version === version && data.digest !== digest);
    if (other)
      return refusal(
        'conflict',
        'R9.1',
        'policy-version-reused',
        `Policy ${version} is already recorded with different content (${other.data.digest.slice(0, 16)}, since ${other.at}; the file has ${digest.slice(0, 16)}). Give the file a new version, or restore the content of ${version}.`,
      );
    if (facts.last('readmit.policy.activated')?.data.digest === digest) return { emit: [], reply: {} };
    return { emit: [draft('readmit.policy.activated', 'policy', { version, digest, document })], reply: {} };
  };
