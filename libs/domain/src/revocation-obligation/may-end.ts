import { operatorTeam, readersOf } from '../decision-proof/parties.js';
import type { Facts } from '../kernel/facts.js';

/** Who acts: a person with the teams of her sign-in, or whoever holds a key. */
export type WhoEnds = { readonly id: string; readonly teams: readonly string[] } | { readonly caseKey: string };

/** Whether somebody may end what the case granted: whoever has a part in it, operators, and the key that asked. */
export function mayEndCase(facts: Facts, who: WhoEnds): boolean {
  const opened = facts.first('readmit.case.opened')?.data;
  if (!opened) return false;
  if ('caseKey' in who) return opened.caseKey?.signing.x === who.caseKey;
  return who.teams.includes(operatorTeam) || readersOf(facts).includes(who.id);
}
