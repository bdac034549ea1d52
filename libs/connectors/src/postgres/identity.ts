import type { Identity } from '@readmit/contracts';
import { TargetError } from '../connector.js';
import { plannedValue } from '../plan-identity.js';

/** Oids per identity value. */
const oidsPerValue = 20;
const maxMembers = 600;

/** The oid with that name in a plan's identities. A plan without it cannot be executed or undone safely, because names may be reused. */
export function plannedOid(identity: readonly Identity[] | undefined, name: string): string {
  const oid = plannedValue(identity, name);
  if (oid === undefined)
    throw new TargetError(`the plan has no oid of its ${name}: undo by hand what it did, and plan again`, 'none', 'refused');
  return oid;
}

/** Oids of members, several per value, because a plan can have forty values. */
export function membersIdentity(oids: readonly string[], login: string): Identity[] {
  if (oids.length > maxMembers)
    throw new TargetError(
      `${oids.length} roles are members of ${login}, at most ${maxMembers} are supported: what is granted to it could not be ended for all of them`,
      'none',
      'unsupported',
    );
  return Array.from({ length: Math.ceil(oids.length / oidsPerValue) }, (_, at) => ({
    name: 'members',
    value: oids.slice(at * oidsPerValue, (at + 1) * oidsPerValue).join(','),
  }));
}

export const plannedMembers = (identity: readonly Identity[] | undefined): string[] =>
  (identity ?? []).filter(({ name }) => name === 'members').flatMap(({ value }) => value.split(','));
