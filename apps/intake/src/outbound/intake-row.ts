import type { Change } from '@readmit/runtime';
import type { SignalRow } from './signal-rows.js';

/** The requester's reason: stored only here, on no topic; CaseOpened carries its salted digest. The code in notices is derived from the salt. */
export interface CaseWords {
  readonly kind: 'words';
  readonly salt: string;
  readonly reason: string;
}
/** The reason given for a repudiation: the text of the CaseFrozen with this digest. */
export interface RepudiationWords {
  readonly kind: 'repudiation';
  readonly salt: string;
  readonly reason: string;
  readonly digest: string;
}

/** What commands of intake store in addition to their events, in the same transaction. */
export type IntakeRow = CaseWords | RepudiationWords | SignalRow;

export const rowsOf = (change: Change): readonly IntakeRow[] => change.rows as readonly IntakeRow[];
