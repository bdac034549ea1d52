import { createHash } from 'node:crypto';
import type { Facet, Identity, Plan } from '@readmit/contracts';
import { TargetError } from '../capability.js';

const longestId = 255;
const longestFacet = 2000;
const longestText = 500;
/** Of a long list so many are named, the rest is counted. */
const named = 100;
/** Oids that fit into one identity value. */
const oidsInOne = 20;
const mostMembers = 600;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A name as a part of a joined one. PostgreSQL's names may hold the separators too. */
export const part = (name: string): string => name.replace(/[%/,]/g, encodeURIComponent);

/**
 * What one hold is called. A name that is too long for an id is told by the digest of its canonical form. The rules know holds of secrets by the same
 * names before there is a plan (secretHold); connectors do not depend on them, a test compares the two.
 */
export function holdId(connector: string, ...parts: readonly string[]): string {
  const id = [part(connector), ...parts.map(part)].join('/');
  return id.length <= longestId ? id : `${id.slice(0, longestId - 72)}/sha256:${digest(JSON.stringify(id))}`;
}

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

/** The oid that a plan keeps under that name. A plan without it cannot be done or undone safely: names may be another's by now. */
export function plannedOid(identity: readonly Identity[] | undefined, name: string): string {
  const found = identity?.find((one) => one.name === name);
  if (!found)
    throw new TargetError(
      `the plan does not keep the oid of its ${name}: take back by hand what it did, and plan again`,
      'none',
      'refused',
    );
  return found.value;
}

/** Oids of members, several in a value: a plan keeps forty values. */
export function membersIdentity(oids: readonly string[], login: string): Identity[] {
  if (oids.length > mostMembers)
    throw new TargetError(
      `${oids.length} roles are members of ${login}: what is given to it cannot be ended for all of them`,
      'none',
      'unsupported',
    );
  return Array.from({ length: Math.ceil(oids.length / oidsInOne) }, (_, at) => ({
    name: 'members',
    value: oids.slice(at * oidsInOne, (at + 1) * oidsInOne).join(','),
  }));
}

export const plannedMembers = (identity: readonly Identity[] | undefined): string[] =>
  (identity ?? []).filter(({ name }) => name === 'members').flatMap(({ value }) => value.split(','));

/** Throws `changed` when the target shows anything that the plan did not see, beside what the step itself changes. */
export function mustBeAsPlanned(plan: Plan, now: readonly Facet[], touches: readonly string[] = []): void {
  for (const { name, value } of now) {
    if (touches.includes(name)) continue;
    const before = plan.before.facets.find((facet) => facet.name === name);
    if (before?.value !== value)
      throw new TargetError(
        `${name} was ${before ? `"${before.value}"` : 'not read'} when the plan was made, now it is "${value}"`.slice(0, 500),
        'none',
        'changed',
      );
  }
}
