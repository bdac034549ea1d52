/** Names of a target as ids of asks, and as names of facets. */
import { TargetError } from './connector.js';
import { digest, part } from './plan-identity.js';

/** What an id may hold, without the percent sign, which begins an escape, and the slash, which parts the names of an ask. */
const plain = /^[A-Za-z0-9._:@|+#~=!$&*\\-]$/;

/** A value of the target as asks write it: what an id cannot hold is percent-encoded, e.g. `Finance%20Admins`. */
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
    throw new TargetError(`${id} is not percent-encoded as names in asks are${value ? `: write ${idOf(value)}` : ''}`, 'none', 'not-found');
  return value;
}

function decoded(id: string): string | undefined {
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

const longestName = 600;
export function facetName(connector: string, object: string, ...more: readonly string[]): string {
  const name = [connector, object, ...more].map(part).join('/');
  return name.length <= longestName ? name : `${name.slice(0, longestName - 72)}/sha256:${digest(name)}`;
}
