import type { CaseRule } from '../audit-log/finding.js';

/** Why a grant does not count. `finds`: how audit and the verifier name it. */
export interface GrantProblem {
  readonly rule: string;
  readonly reason: string;
  readonly says: string;
  readonly finds: CaseRule;
}
