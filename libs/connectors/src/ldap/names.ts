/** Names of the directory as ids of asks, and DNs as identities of a plan. */
import type { Identity } from '@readmit/contracts';
import { TargetError } from '../connector.js';
import { digest, part, plannedValue } from '../plan-identity.js';

/** What an id may hold, without the percent sign, which begins an escape, and the slash, which parts the names of an ask. */
const plain = /^[A-Za-z0-9._:@|+#~=!$&*\\-]$/;

/** A value of the directory as asks write it: what an id cannot hold is percent-encoded, e.g. `Finance%20Admins`. */
export const idOf = (value: string): string =>
  [...value]
    .map((character) =>
      plain.test(character)
        ? character
        : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    )
    .join('');

/** The value that an id stands for. One value has one id, so that two cases about one account know of each other. */
export function valueOf(id: string): string {
  const value = decoded(id);
  if (value === undefined || idOf(value) !== id)
    throw new TargetError(
      `${id} is not percent-encoded as names of a directory are${value ? `: write ${idOf(value)}` : ''}`,
      'none',
      'not-found',
    );
  return value;
}

function decoded(id: string): string | undefined {
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

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

const longestName = 600;
export function facetName(connector: string, object: string, ...more: readonly string[]): string {
  const name = [connector, object, ...more].map(part).join('/');
  return name.length <= longestName ? name : `${name.slice(0, longestName - 72)}/sha256:${digest(name)}`;
}
