/** DNs and lasting ids as identities of a plan. */
import type { Identity } from '@readmit/contracts';
import { TargetError } from '../connector.js';
import { plannedValue } from '../plan-identity.js';

/** Characters of a DN in one identity: at most 255 UTF-16 units, without splitting a surrogate pair. */
const charactersPerPart = 127;
const maxParts = 30;

/** A DN as identities of a step: it may be longer than the value of one identity. */
export function dnIdentity(name: string, dn: string): Identity[] {
  const characters = [...dn];
  const parts = Array.from({ length: Math.ceil(characters.length / charactersPerPart) }, (_, at) => ({
    name,
    value: characters.slice(at * charactersPerPart, (at + 1) * charactersPerPart).join(''),
  }));
  if (parts.length > maxParts)
    throw new TargetError(`a DN of ${characters.length} characters is too long for a plan`, 'none', 'unsupported');
  return parts;
}
export const plannedDn = (identity: readonly Identity[] | undefined, name: string): string =>
  (identity ?? [])
    .filter((one) => one.name === name)
    .map(({ value }) => value)
    .join('');

/** The permanent id with that name in the plan. */
export function plannedId(identity: readonly Identity[] | undefined, name: string): string {
  const id = plannedValue(identity, name);
  if (id === undefined)
    throw new TargetError(`the plan does not contain the id of its ${name}: undo by hand what it did, and plan again`, 'none', 'refused');
  return id;
}
