/** Names of a target as ids of asks, and as names of facets. */
import { TargetError } from './connector.js';
import { digest, part } from './plan-identity.js';

/** Characters that need no escape in an id. The percent sign begins an escape, and the slash separates the names in an ask. */
const plain = /^[A-Za-z0-9._:@|+#~=!$&*\\-]$/;

/** A value of the target as an id in asks: other characters are percent-encoded, e.g. `Finance%20Admins`. */
export const idOf = (value: string): string =>
  [...value]
    .map((character) =>
      plain.test(character)
        ? character
        : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    )
    .join('');

/** The value of an id. Each value has exactly one id, so that two cases about the same account are recognised as such. */
export function valueOf(id: string): string {
  const value = decoded(id);
  if (value === undefined || idOf(value) !== id)
    throw new TargetError(`${id} is not percent-encoded correctly${value ? `: write ${idOf(value)}` : ''}`, 'none', 'not-found');
  return value;
}

function decoded(id: string): string | undefined {
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

const maxNameLength = 600;
export function facetName(connector: string, object: string, ...more: readonly string[]): string {
  const name = [connector, object, ...more].map(part).join('/');
  return name.length <= maxNameLength ? name : `${name.slice(0, maxNameLength - 72)}/sha256:${digest(name)}`;
}
