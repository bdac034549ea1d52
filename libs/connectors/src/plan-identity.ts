/** Ids, names and digests in plans, for every kind of target. */
import { createHash } from 'node:crypto';
import type { Identity } from '@readmit/contracts';
import { holdId as holdIdBy } from '@readmit/domain';

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Escapes a name for use in a compound name: names at targets may contain the separators. */
export const part = (name: string): string => name.replace(/[%/,]/g, encodeURIComponent);

/** The id of a hold. The rules hash the canonical form of its parts, which for a string is its JSON. */
export const holdId = (connector: string, ...parts: readonly string[]): string =>
  holdIdBy((text) => digest(JSON.stringify(text)), connector, ...parts);

/** The value with that name in a plan's identities, if any. */
export const plannedValue = (identity: readonly Identity[] | undefined, name: string): string | undefined =>
  identity?.find((one) => one.name === name)?.value;
