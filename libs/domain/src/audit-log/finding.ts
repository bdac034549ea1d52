import type { GrantViolation } from '../grant-judgement/grant-refusal.js';

/** Rules of the verifier, by what can be wrong with a log. */
type FindingRule =
  | 'line-unreadable'
  | 'header-differs'
  | 'row-missing'
  | 'rows-swapped'
  | 'row-inserted'
  | 'row-out-of-place'
  | 'row-number'
  | 'entry-altered'
  | 'event-digest'
  | 'event-refused'
  | 'checkpoint-invalid'
  | 'checkpoint-differs'
  | 'log-cut'
  | 'log-forked'
  | CaseRule;

/** What can be wrong with a case although its entries are genuine. */
export type CaseRule =
  | GrantViolation
  | 'started-before-record'
  | 'obligation-after-start'
  | 'obligation-overdue'
  | 'discharge-unproved'
  | 'confirmed-without-due'
  | 'still-held-unproved'
  | 'started-after-stop'
  | 'granted-twice'
  | 'ended-without-start'
  | 'event-repeated';

/** Something that is wrong: which rule, where (in words) and why; `index` of the entry if there is one. */
export interface Finding {
  readonly rule: FindingRule;
  readonly index?: number;
  readonly where: string;
  readonly why: string;
}
