/** Texts of a plan: what an approver reads, and what is compared, cut where the contract ends. */
import { digest } from './plan-identity.js';

const longestFacet = 2000;
const longestText = 500;
/** Of a long list so many are named, the rest is counted. */
const named = 100;

/** A list as a facet's value; what does not fit is still compared, by its digest. */
export function listed(items: readonly string[]): string {
  const list = items.join(',');
  return list.length <= longestFacet ? list || 'none' : `${items.length}, sha256 ${digest(list)}`;
}

/** A sentence as an approver reads it, cut where the contract ends. */
export const sentence = (text: string): string => (text.length <= longestText ? text : `${text.slice(0, longestText - 3)}...`);

/** Sentences of a plan, however many there are: the first hundred, then how many more and their digest. */
export function sentences(items: readonly string[], more: string): string[] {
  const all = items.map(sentence);
  if (all.length <= named) return all;
  const rest = all.slice(named);
  return [...all.slice(0, named), `${rest.length} more ${more}, sha256 ${digest(rest.join('\n'))}`];
}
