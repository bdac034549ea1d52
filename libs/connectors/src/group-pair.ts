/** One account and one group at a target whose groups have members: what asks, steps and undos are about. */
import type { Ask, Plan, Step, Undo } from '@readmit/contracts';
import { TargetError } from './connector.js';
import { facetName } from './encoded-names.js';

export interface Pair {
  readonly connector: string;
  readonly object: string;
  readonly entitlement: string;
}

export function pairOf({ kind, connector, object, entitlement }: Ask | Step | Undo): Pair {
  if (entitlement === undefined) throw new TargetError(`${kind} for ${object} names no group`, 'none', 'unsupported');
  return { connector, object, entitlement };
}

export const holdingName = ({ connector, object, entitlement }: Pair): string => facetName(connector, object, 'group', entitlement);

/** Whether the account was a member when the plan was made: then nothing was planned and nothing is removed. */
export function memberBefore(plan: Plan, pair: Pair): boolean {
  const found = plan.before.facets.find(({ name }) => name === holdingName(pair));
  if (!found)
    throw new TargetError(`the plan does not say whether ${pair.object} was in ${pair.entitlement} before: plan again`, 'none', 'refused');
  return found.value === 'member';
}
