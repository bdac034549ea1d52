/** Texts of a plan, for approvers and for comparison, within the limits of the contract. */
import { digest } from './plan-identity.js';

const maxFacetLength = 2000;
const maxTextLength = 500;
/** At most this many items of a list are named; the rest is counted. */
const maxNamed = 100;

/** A list as the value of a facet; a list that does not fit is replaced by its digest, which is compared as well. */
export function listed(items: readonly string[]): string {
  const list = items.join(',');
  return list.length <= maxFacetLength ? list || 'none' : `${items.length}, sha256 ${digest(list)}`;
}

/** Truncates a sentence to the limit of the contract. */
export const sentence = (text: string): string => (text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 3)}...`);

/** Sentences of a plan: the first hundred, then the number and digest of the rest. */
export function sentences(items: readonly string[], more: string): string[] {
  const all = items.map(sentence);
  if (all.length <= maxNamed) return all;
  const rest = all.slice(maxNamed);
  return [...all.slice(0, maxNamed), `${rest.length} more ${more}, sha256 ${digest(rest.join('\n'))}`];
}
