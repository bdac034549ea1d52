import type { Plan, Step, Undo } from '@readmit/contracts';
import { AndFilter, Attribute, Change, EqualityFilter, NotFilter, OrFilter } from 'ldapts';
import { TargetError, type StepResult, type UndoResult } from '../connector.js';
import { mustBeAsPlanned } from '../as-planned.js';
import { holdingName, memberBefore, pairOf, type Pair } from '../group-pair.js';
import { byName, idAt, type Directory, type Found } from './entries.js';
import { facetsOf, isMember, readByIds, readByName, type GroupState } from './group-state.js';
import { AssertionControl, ReadEntryControl } from './ldap-controls.js';
import { resultCode, type LdapSession } from './ldap-session.js';
import { plannedDn, plannedId } from './names.js';
import { mustControl } from './plan-group.js';

const idsOf = ({ identity }: Step | Undo) => ({ person: plannedId(identity, 'person'), group: plannedId(identity, 'group') });

/** Adds the member and reads it back on the same connection. */
export async function addMember(session: LdapSession, directory: Directory, step: Step, plan: Plan): Promise<StepResult> {
  const pair = pairOf(step);
  const planned = idsOf(step);
  await mustControl(session);
  const { state, person, group } = await asPlanned(session, directory, pair, planned, plan);
  if (memberBefore(plan, pair))
    throw new TargetError(`${pair.object} was already in ${pair.entitlement} when the plan was made: nothing is added`, 'none', 'refused');
  const adds = !state.member;
  if (adds && (await change(session, directory, group, { add: [person.dn] }, 'without', person.dn)) !== 0)
    throw changed(`${pair.entitlement}, or its member ${pair.object}, was changed at the same time`);
  const after = await asPlanned(session, directory, pair, planned, plan).catch(async (error: unknown) => {
    // The DN became that of another entry between the read and the change. If this fails too, the effect is unknown and the plan's undo handles it.
    if (adds) await change(session, directory, group, { delete: [person.dn] }, 'with', person.dn).catch(() => undefined);
    throw error;
  });
  if (!after.state.member) throw changed(`the directory does not show ${pair.object} in ${pair.entitlement} after the change`);
  return { after: facetsOf(pair, after.state), sealed: [] };
}

const changed = (message: string): TargetError => new TargetError(message, 'none', 'changed');

/** Throws unless the names still belong to the same entries, and everything that the step does not change is as it was in the plan. */
async function asPlanned(
  session: LdapSession,
  directory: Directory,
  pair: Pair,
  planned: { readonly person: string; readonly group: string },
  plan: Plan,
): Promise<{ readonly state: GroupState; readonly person: Found; readonly group: Found }> {
  const state = await readByName(session, directory, pair);
  const { person, group } = state;
  if (person?.id !== planned.person || group?.id !== planned.group)
    throw changed(`${pair.object} or ${pair.entitlement} is not the same entry as when the plan was made, or no longer exists`);
  mustBeAsPlanned(plan, facetsOf(pair, state), [holdingName(pair)]);
  return { state, person, group };
}

/**
 * Changes `member`, on the condition that the entry is still the group and has, or does not have, this member (RFC 4528): other members may
 * change at the same time. The server reports which entry it wrote (RFC 4527). Returns its result code.
 *
 * The condition is about the entry at the group's DN (RFC 5020): OpenLDAP tests the same assertion again when its overlay memberof writes the
 * account's entry, and a condition that only a group meets made it leave out `memberOf`, without an error.
 */
async function change(
  session: LdapSession,
  { profile }: Directory,
  group: Found,
  values: { readonly add?: readonly string[]; readonly delete?: readonly string[] },
  condition: 'with' | 'without',
  dn: string,
): Promise<number> {
  const member = new EqualityFilter({ attribute: profile.member, value: dn });
  const unchanged = new AndFilter({
    filters: [
      new EqualityFilter({ attribute: profile.id, value: group.id }),
      condition === 'with' ? member : new NotFilter({ filter: member }),
    ],
  });
  const elsewhere = new NotFilter({ filter: new EqualityFilter({ attribute: 'entryDN', value: group.dn }) });
  const assertion = new OrFilter({ filters: [unchanged, elsewhere] });
  const was = new ReadEntryControl('pre-read', [profile.id, 'entryCSN']);
  const is = new ReadEntryControl('post-read', [profile.id, 'entryCSN']);
  const code = await session.modify(
    group.dn,
    (['add', 'delete'] as const)
      .filter((operation) => values[operation] !== undefined)
      .map(
        (operation) =>
          new Change({ operation, modification: new Attribute({ type: profile.member, values: [...(values[operation] ?? [])] }) }),
      ),
    [new AssertionControl(assertion), was, is],
    [
      resultCode.assertionFailed,
      resultCode.noSuchObject,
      resultCode.noSuchAttribute,
      resultCode.valueExists,
      resultCode.objectClassViolation,
    ],
  );
  if (code !== 0) return code;
  const id = profile.id.toLowerCase();
  const [[idBefore], [idAfter]] = [was, is].map(({ value }) => value?.get(id) ?? []) as [readonly string[], readonly string[]];
  const [csnBefore, csnAfter] = [was, is].map(({ value }) => value?.get('entrycsn')?.[0]);
  if (idBefore !== group.id || idAfter !== group.id || csnAfter === undefined || csnBefore === csnAfter)
    throw new TargetError(
      `the directory does not confirm that it changed ${group.dn}: read the group before doing anything else`,
      'unknown',
      'unreachable',
    );
  return 0;
}

/** Retries when others change the group at the same time. */
const maxRounds = 4;

/** Removes what the step added, by permanent ids wherever the entries are now, and reads back. */
export async function removeMember(session: LdapSession, directory: Directory, undo: Undo, plan: Plan): Promise<UndoResult> {
  const pair = pairOf(undo);
  const planned = idsOf(undo);
  let state = await readByIds(session, directory, planned);
  if (memberBefore(plan, pair)) return { readBack: facetsOf(pair, state), sessionsEnded: 0 };
  if (state.group) {
    for (const dn of await addedDns(session, directory, undo, state)) await remove(session, directory, state.group, dn, pair);
    state = await readByIds(session, directory, planned);
    if (state.member) throw new TargetError(`${pair.object} is still in ${pair.entitlement} after the change`, 'unknown', 'changed');
  } else {
    await mustNotBeInCopy(session, directory, pair, state);
  }
  return { readBack: facetsOf(pair, state), sessionsEnded: 0 };
}

/**
 * DNs of the account in the group: its current DN and, when it was renamed, moved or deleted, the DN that the step added, which stays in the
 * group if the server does not update references (no refint overlay).
 */
async function addedDns(
  session: LdapSession,
  { profile }: Directory,
  undo: Undo,
  { person, group }: GroupState,
): Promise<readonly string[]> {
  const added = plannedDn(undo.identity, 'person-dn');
  const owner = await idAt(session, profile, added);
  if (owner !== undefined && owner === person?.id) return [added];
  if (owner !== undefined && group && (await session.compare(group.dn, profile.member, added)) === true)
    throw new TargetError(
      `${added} is another entry now (${owner}) and is in ${group.dn}; it is unclear whether that is the membership that was given to ${undo.object}: remove it by hand`,
      'unknown',
      'changed',
    );
  return [...(person ? [person.dn] : []), ...(owner === undefined ? [added] : [])];
}

async function remove(session: LdapSession, directory: Directory, group: Found, dn: string, { object, entitlement }: Pair): Promise<void> {
  const { placeholder } = directory.groups;
  for (let round = 0; round < maxRounds; round += 1) {
    if (!(await isMember(session, directory, group, dn))) return;
    const code = await change(session, directory, group, { delete: [dn] }, 'with', dn);
    if (code !== resultCode.objectClassViolation) continue;
    if (placeholder === undefined)
      throw new TargetError(
        `${object} is the last member of ${entitlement}, which must have at least one: add another member, for example a placeholder that is not an account`,
        'none',
        'refused',
      );
    // In one change, so that the group always has a member.
    await change(session, directory, group, { add: [placeholder], delete: [dn] }, 'with', dn);
  }
  throw new TargetError(`${entitlement} keeps being changed by others; ${object} may still be in it`, 'unknown', 'changed');
}

/** The group was deleted, and the membership with it. A group that was recreated from a copy may contain the account again. */
async function mustNotBeInCopy(session: LdapSession, directory: Directory, pair: Pair, { person }: GroupState): Promise<void> {
  const again = await byName(session, directory, directory.groups, pair.entitlement);
  if (again && person && (await isMember(session, directory, again, person.dn)))
    throw new TargetError(
      `${pair.entitlement} was deleted and recreated, and contains ${pair.object}: it is unclear who added it, so remove it by hand or close the case`,
      'unknown',
      'changed',
    );
}
