import type { Identity } from '@readmit/contracts';
import { TargetError } from '../connector.js';
import { plannedValue } from '../plan-identity.js';

/** Oids that fit into one identity value. */
const oidsInOne = 20;
const mostMembers = 600;

/** The oid that a plan keeps under that name. A plan without it cannot be done or undone safely: names may be another's by now. */
export function plannedOid(identity: readonly Identity[] | undefined, name: string): string {
  const oid = plannedValue(identity, name);
  if (oid === undefined)
    throw new TargetError(
      `the plan does not keep the oid of its ${name}: take back by hand what it did, and plan again`,
      'none',
      'refused',
    );
  return oid;
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
