/** What the identities and holds of a plan are made of, at any target. */
import { createHash } from 'node:crypto';
import type { Identity } from '@readmit/contracts';
import { holdId as holdIdBy } from '@readmit/domain';

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A name as a part of a joined one. Names of targets may hold the separators too. */
export const part = (name: string): string => name.replace(/[%/,]/g, encodeURIComponent);

/** What one hold is called. The rules ask for the digest of the canonical form: of a text that is its JSON. */
export const holdId = (connector: string, ...parts: readonly string[]): string =>
  holdIdBy((text) => digest(JSON.stringify(text)), connector, ...parts);

/** What a plan keeps under that name, if anything. */
export const plannedValue = (identity: readonly Identity[] | undefined, name: string): string | undefined =>
  identity?.find((one) => one.name === name)?.value;
