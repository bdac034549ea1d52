import type { Plan, Step, Undo } from '@readmit/contracts';
import { mustBeAsPlanned } from '../as-planned.js';
import { TargetError, type StepResult, type UndoResult } from '../connector.js';
import { valueOf } from '../encoded-names.js';
import { memberBefore, pairOf, type Pair } from '../group-pair.js';
import { plannedValue } from '../plan-identity.js';
import { facetsOf, isUsable, readByIds, touchedBy, type Canary, type GroupState, type Ids } from './group-state.js';
import { equals, groupBy, groupPath, groupsBy, memberPath, type FoundGroup } from './resources.js';
import { printable } from '../http-answers.js';
import type { HttpAnswer } from '../http-call.js';
import type { Call } from './scim-client.js';

function idsOf({ identity, object }: Step | Undo): Ids {
  const [person, group] = [plannedValue(identity, 'person'), plannedValue(identity, 'group')];
  if (person === undefined || group === undefined)
    throw new TargetError(`the plan does not keep the ids of ${object} and its group: take back by hand what it did`, 'none', 'refused');
  return { person, group };
}

/** A group may be changed by others all the time (412): looked at again, so many times. */
const rounds = 4;

/** Adds the one member, only to the group that the plan saw, and reads it back. */
export async function addMember(call: Call, canary: Canary, step: Step, plan: Plan): Promise<StepResult> {
  const pair = pairOf(step);
  const ids = idsOf(step);
  if (memberBefore(plan, pair))
    throw new TargetError(`${pair.object} was in ${pair.entitlement} before: nothing is added`, 'none', 'refused');
  for (let round = 0; round < rounds; round += 1) {
    const before = await asPlanned(call, canary, pair, ids, plan);
    if (before.member) return { after: facetsOf(pair, before), sealed: [] };
    const outcome = await change(call, before.group, { op: 'add', path: 'members', value: [{ value: ids.person }] });
    if (outcome === 'changed') continue;
    const after = await asPlanned(call, canary, pair, ids, plan);
    if (after.member) return { after: facetsOf(pair, after), sealed: [] };
    if (outcome instanceof TargetError) throw outcome;
    throw new TargetError(`${call.name} does not show ${pair.object} in ${pair.entitlement} after the change`, call.effect, 'changed');
  }
  throw new TargetError(`${pair.entitlement} is changed by somebody else all the time: try again`, call.effect, 'changed');
}

/** Everything that the plan saw and that the step does not change is as it was. */
async function asPlanned(
  call: Call,
  canary: Canary,
  pair: Pair,
  ids: Ids,
  plan: Plan,
): Promise<GroupState & { readonly group: FoundGroup }> {
  const state = await readByIds(call, canary, ids);
  const { user, group } = state;
  if (!isUsable(user) || !group || user.id !== valueOf(pair.object))
    throw new TargetError(`${pair.object} or ${pair.entitlement} is gone or deactivated since the plan`, call.effect, 'changed');
  try {
    mustBeAsPlanned(plan, facetsOf(pair, state), touchedBy(pair));
  } catch (error) {
    throw error instanceof TargetError ? new TargetError(error.message, call.effect, error.code) : error;
  }
  return { ...state, group };
}

type Operation =
  | { readonly op: 'add'; readonly path: 'members'; readonly value: readonly { readonly value: string }[] }
  | { readonly op: 'remove'; readonly path: string };

/**
 * One change of one member. `changed`: the group has another version by now, and nothing was done. An error that leaves open whether it was
 * done is returned: what is read afterwards decides, and it is thrown only if that does not show the change.
 */
async function change(call: Call, group: FoundGroup, operation: Operation): Promise<'done' | 'changed' | TargetError> {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
  try {
    const body = { schemas, Operations: [operation] };
    const also = operation.op === 'remove' ? [400, 404, 412] : [412];
    const answer = await call.send({ method: 'PATCH', path: groupPath(group.id), body, ifMatch: group.etag, also });
    if (answer.status === 400 || answer.status === 404) return withoutTarget(call, answer);
    return answer.status === 412 ? 'changed' : 'done';
  } catch (error) {
    if (error instanceof TargetError && error.effect === 'unknown' && !call.signal.aborted) return error;
    throw error;
  }
}

/**
 * Nothing was done. RFC 7644 has a name for a member that is not there (400); for an account or group that is not there Keycloak answers 400
 * without one, and others 404.
 */
function withoutTarget(call: Call, { status, body }: HttpAnswer): 'done' | TargetError {
  const { scimType } = (body ?? {}) as { scimType?: unknown };
  if (status === 400 && scimType === 'noTarget') return 'done';
  const why = typeof scimType === 'string' ? ` (${printable(scimType)})` : '';
  return new TargetError(`${call.name} answers ${status}${why} to taking a member out`, call.effect, 'refused');
}

/** Takes out what our step added, by ids, whatever the names are now, and reads back. Nothing else is taken out. */
export async function removeMember(call: Call, canary: Canary, undo: Undo, plan: Plan): Promise<UndoResult> {
  const pair = pairOf(undo);
  const ids = idsOf(undo);
  if (memberBefore(plan, pair)) return { readBack: facetsOf(pair, await readByIds(call, canary, ids)), sessionsEnded: 0 };
  const outcome = await takeOut(call, ids);
  const after = await readByIds(call, canary, ids);
  // Where the account or the group is gone the membership is, too, and a server may refuse to take out what it does not know.
  if (outcome instanceof TargetError && (after.member || (outcome.code === 'refused' && after.user && after.group))) throw outcome;
  if (after.member) throw new TargetError(`${pair.object} is still in ${pair.entitlement} after the change`, call.effect, 'changed');
  if (!after.group) await mustNotBeBack(call, canary, pair, ids);
  return { readBack: facetsOf(pair, after), sessionsEnded: 0 };
}

/**
 * Sent also where the account is not seen in the group: a target that accepts the removal and shows no membership afterwards is believed
 * sooner than one that only shows none.
 */
async function takeOut(call: Call, { person, group: id }: Ids): Promise<'done' | 'changed' | TargetError> {
  const operation = { op: 'remove', path: memberPath(person) } as const;
  for (let round = 0; ; round += 1) {
    const group = await groupBy(call, id);
    if (!group) return 'done';
    // To take out one member by id is right in every version of the group: others must not be able to hold it up.
    const last = round === rounds - 1;
    const outcome = await change(call, last ? { ...group, etag: undefined } : group, operation);
    if (outcome !== 'changed' || last) return outcome;
  }
}

/** The group is deleted, and what was given with it. One that was made again from a copy may hold the account again. */
async function mustNotBeBack(call: Call, canary: Canary, pair: Pair, { person }: Ids): Promise<void> {
  const name = valueOf(pair.entitlement);
  for (const again of (await groupsBy(call, equals('displayName', name))) ?? [])
    if (again.name === name && (await readByIds(call, canary, { person, group: again.id })).member)
      throw new TargetError(
        `${pair.entitlement} was deleted and made again, and holds ${pair.object}: who put it there cannot be told, so take it out by hand or end the case`,
        'unknown',
        'changed',
      );
}
