/** DNs and lasting ids as identities of a plan. */
import type { Identity } from '@readmit/contracts';
import { TargetError } from '../connector.js';
import { plannedValue } from '../plan-identity.js';

/** Characters of a DN in one identity: at most 255 UTF-16 units, and a character is never cut in two. */
const charactersInOne = 127;
const mostParts = 30;

/** A DN as identities of a step: it may be longer than one of them. */
export function dnIdentity(name: string, dn: string): Identity[] {
  const characters = [...dn];
  const parts = Array.from({ length: Math.ceil(characters.length / charactersInOne) }, (_, at) => ({
    name,
    value: characters.slice(at * charactersInOne, (at + 1) * charactersInOne).join(''),
  }));
  if (parts.length > mostParts)
    throw new TargetError(`a DN of ${characters.length} characters is too long for a plan`, 'none', 'unsupported');
  return parts;
}
export const plannedDn = (identity: readonly Identity[] | undefined, name: string): string =>
  (identity ?? [])
    .filter((one) => one.name === name)
    .map(({ value }) => value)
    .join('');

/** The lasting id that the plan keeps under that name. */
export function plannedId(identity: readonly Identity[] | undefined, name: string): string {
  const id = plannedValue(identity, name);
  if (id === undefined)
    throw new TargetError(`the plan does not keep the id of its ${name}: take back by hand what it did, and plan again`, 'none', 'refused');
  return id;
}
