import type { Change } from '@readmit/runtime';
import type { SignalRow } from './signal-rows.js';

/** The requester's words: kept here and on no topic; CaseOpened carries their salted digest. Notices' codes are made with the salt. */
export interface CaseWords {
  readonly kind: 'words';
  readonly salt: string;
  readonly reason: string;
}
/** Why somebody repudiated the case: the words of the CaseFrozen with this digest. */
export interface RepudiationWords {
  readonly kind: 'repudiation';
  readonly salt: string;
  readonly reason: string;
  readonly digest: string;
}

/** What commands of intake hand to the transaction beside their events. */
export type IntakeRow = CaseWords | RepudiationWords | SignalRow;

export const rowsOf = (change: Change): readonly IntakeRow[] => change.rows as readonly IntakeRow[];
