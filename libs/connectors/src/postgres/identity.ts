import { createHash } from 'node:crypto';
import type { Identity } from '@readmit/contracts';
import { holdId as holdIdBy } from '@readmit/domain';
import { TargetError } from '../connector.js';

/** Oids that fit into one identity value. */
const oidsInOne = 20;
const mostMembers = 600;

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A name as a part of a joined one. PostgreSQL's names may hold the separators too. */
export const part = (name: string): string => name.replace(/[%/,]/g, encodeURIComponent);

/** What one hold is called. The rules ask for the digest of the canonical form: of a text that is its JSON. */
export const holdId = (connector: string, ...parts: readonly string[]): string =>
  holdIdBy((text) => digest(JSON.stringify(text)), connector, ...parts);

/** What a plan keeps under that name, if anything. */
export const plannedValue = (identity: readonly Identity[] | undefined, name: string): string | undefined =>
  identity?.find((one) => one.name === name)?.value;

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
