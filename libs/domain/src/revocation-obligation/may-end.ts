import type { Facts } from '../kernel/facts.js';
import { attestedOf } from '../decision-proof/attested.js';

/** Whoever contains cases may also end one. */
export const operatorTeam = 'platform-operators';

/** Who acts: a person with the teams of her sign-in, or whoever holds a key. */
export type WhoEnds = { readonly id: string; readonly teams: readonly string[] } | { readonly caseKey: string };

/**
 * Whether somebody may end what the case granted and see what it owes: its requester and subject (under any account of theirs), who answers for
 * the machine, who may verify or approve it as attested, operators, and the key that asked. Vendor staff decide nothing.
 */
export function mayEndCase(facts: Facts, who: WhoEnds): boolean {
  const opened = facts.first('readmit.case.opened')?.data;
  if (!opened) return false;
  if ('caseKey' in who) return opened.caseKey?.signing.x === who.caseKey;
  if (who.teams.includes(operatorTeam) || who.id === opened.requester.id || who.id === opened.subject.id) return true;
  const attested = attestedOf(facts);
  if (!attested) return false;
  if (attested.owners.includes(who.id)) return true;
  const person = attested.people.find(({ id }) => id === who.id);
  if (!person) return false;
  const concerned = [opened.requester.id, opened.subject.id];
  if (attested.people.some(({ id, human }) => concerned.includes(id) && human === person.human)) return true;
  const requirements = facts.last('readmit.case.classified')?.data.requirements;
  const teams = [...(requirements?.verifiers ?? []), ...(requirements?.quorum.flatMap((part) => part.teams) ?? [])];
  return person.employment !== 'vendor' && person.teams.some((team) => teams.includes(team));
}
