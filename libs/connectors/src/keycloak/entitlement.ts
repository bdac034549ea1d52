import type { Ask, Facet, Identity, Plan, Step, Undo } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { TargetError, type UndoResult } from '../connector.js';
import { grantParts } from '../grant-parts.js';
import { holdId } from '../plan-identity.js';
import { accountIdentity, deletedFacets, findAccount, readAccount, userPath, type Account, type Group, type Named } from './account.js';
import type { Call } from './admin-client.js';
import { endSessions } from './end-sessions.js';

type Kind = 'role' | 'group';
interface Held {
  readonly account: Account;
  readonly what: Named;
  /** Names of the roles that it includes. */
  readonly reach: readonly string[];
  /** `absent`, `direct`, or `effective through` something else. */
  readonly holding: string;
}

const idOf = ({ entitlement, kind, object }: Ask | Step | Undo): string => {
  if (entitlement === undefined) throw new TargetError(`${kind} for ${object} names no role or group`, 'none', 'unsupported');
  return entitlement;
};
const kindOf = (call: Call, of: Step | Undo): Kind => {
  const kind = of.identity?.find(({ name }) => name === 'role' || name === 'group')?.name;
  if (kind === undefined)
    throw new TargetError(`the plan does not say whether ${of.entitlement} is a role or a group`, call.effect, 'refused');
  return kind as Kind;
};
const holdingName = (of: Ask | Step | Undo): string => `${of.connector}/${of.object}/entitlement/${idOf(of)}`;
const rolesPath = (user: string): string => `${userPath(user)}/role-mappings/realm`;
const groupsPath = (user: string): string => `${userPath(user)}/groups?briefRepresentation=false&max=10000`;
const rolePath = (id: string): string => `/roles-by-id/${encodeURIComponent(id)}`;
const groupPath = (id: string): string => `/groups/${encodeURIComponent(id)}`;

/** Direct and effective membership. The same token must first show the role or group. */
async function held(call: Call, of: Ask | Step | Undo, kind: Kind): Promise<Held> {
  const account = await readAccount(call, of.object);
  const id = idOf(of);
  const groups = await call.get<Group[]>(groupsPath(of.object));
  if (kind === 'group') {
    const what = await call.get<Group>(groupPath(id));
    const child = groups.find(({ path }) => path.startsWith(`${what.path}/`));
    const reach = (await call.get<Named[]>(`${groupPath(id)}/role-mappings/realm/composite`)).map(({ name }) => name).toSorted();
    const holding = groups.some((one) => one.id === id) ? 'direct' : child ? `effective through group ${child.path}` : 'absent';
    return { account, what: { id, name: what.path }, reach, holding };
  }
  const what = await call.get<Named & { clientRole: boolean }>(rolePath(id));
  if (what.clientRole)
    throw new TargetError(`${what.name} is a role of a client: only realm roles are restored`, call.effect, 'unsupported');
  const direct = await call.get<Named[]>(rolesPath(of.object));
  const effective = await call.get<Named[]>(`${rolesPath(of.object)}/composite`);
  const reach = (await call.get<Named[]>(`${rolePath(id)}/composites`)).map(({ name }) => name).toSorted();
  const holding = direct.some((one) => one.id === id)
    ? 'direct'
    : effective.some((one) => one.id === id)
      ? `effective through ${await throughWhat(call, groups, id)}`
      : 'absent';
  return { account, what: { id, name: what.name }, reach, holding };
}

/** A group includes the roles of its parents. */
async function throughWhat(call: Call, groups: readonly Group[], role: string): Promise<string> {
  for (const group of groups)
    for (let at: Group | undefined = group; at; at = at.parentId === undefined ? undefined : await call.get<Group>(groupPath(at.parentId)))
      if ((await call.get<Named[]>(`${groupPath(at.id)}/role-mappings/realm/composite`)).some(({ id }) => id === role))
        return `group ${at.path}`;
  return 'another role';
}

const facets = (of: Ask | Step | Undo, { account, what, reach, holding }: Held): Facet[] => [
  { name: `${of.connector}/${of.object}/enabled`, value: account.enabled ? 'yes' : 'no' },
  { name: holdingName(of), value: holding },
  { name: `${holdingName(of)}/name`, value: what.name.slice(0, 2000) },
  { name: `${holdingName(of)}/reach`, value: reach.length === 0 ? 'none' : reach.join(' ').slice(0, 2000) },
];
const askedKind = ({ kind }: Ask): Kind => (kind === 'group.restore' ? 'group' : 'role');

export const readEntitlement = async (call: Call, ask: Ask): Promise<Facet[]> => facets(ask, await held(call, ask, askedKind(ask)));

/** An entitlement that is already effective needs no step and no obligation: it does not end with the case. */
export async function planEntitlement(call: Call, ask: Ask, durationSeconds: number): Promise<PlanParts> {
  const kind = askedKind(ask);
  const now = await held(call, ask, kind);
  const { account, what, reach, holding } = now;
  const { connector, object } = ask;
  const entitlement = idOf(ask);
  if (!account.enabled)
    throw new TargetError(`${object} is disabled at ${connector}: ${what.name} would restore nothing`, 'none', 'refused');
  if (account.id === (await call.ownId()))
    throw new TargetError(`${object} is the executor's own account: nothing can be restored to it`, 'none', 'refused');
  const before = facets(ask, now);
  const untouched = [`factors, password and other roles and groups of ${account.username}`];
  if (holding !== 'absent') return { steps: [], obligations: [], removes: [], restores: [], untouched, before };
  const identity: Identity[] = [accountIdentity(account), { name: kind, value: entitlement }];
  const given = { connector, object, entitlement, identity, hold: holdId(connector, kind, entitlement, object) };
  const says = (text: string): string => text.slice(0, 500);
  return {
    ...grantParts(given, {
      touches: [holdingName(ask)],
      says: says(`Give ${account.username} the ${kind} ${what.name}.`),
      undoSays: says(`Take the ${kind} ${what.name} from ${account.username} and end every session, offline grant and consent.`),
      durationSeconds,
    }),
    removes: [],
    restores: [
      says(
        `${account.username} holds ${what.name} for ${durationSeconds} s${reach.length > 0 ? `, with the roles ${reach.join(', ')}` : ''}`,
      ),
    ],
    untouched,
    warnings: [
      `Keycloak does not record who gave a ${kind}: if somebody gives ${account.username} the same by hand meanwhile, the end takes that too.`.slice(
        0,
        500,
      ),
    ],
    before,
  };
}

export async function grantEntitlement(call: Call, step: Step): Promise<Facet[]> {
  const kind = kindOf(call, step);
  const { what, account, holding } = await held(call, step, kind);
  if (holding !== 'direct') {
    if (!account.enabled) throw new TargetError(`${step.object} was disabled since the plan`, call.effect, 'changed');
    if (kind === 'group') await call.write('PUT', `${userPath(step.object)}${groupPath(what.id)}`);
    else await call.write('POST', rolesPath(step.object), [{ id: what.id, name: what.name }]);
  }
  const after = await held(call, step, kind);
  if (after.holding !== 'direct')
    throw new TargetError(`${call.name} does not show ${what.name} at ${step.object}`, call.effect, 'changed');
  return facets(step, after);
}

export async function revokeEntitlement(call: Call, undo: Undo, plan: Plan): Promise<UndoResult> {
  if (plan.before.facets.find(({ name }) => name === holdingName(undo))?.value !== 'absent')
    throw new TargetError(
      `the plan does not say that ${undo.object} lacked ${undo.entitlement}: it was not given by this case, so it is not removed`,
      'none',
      'refused',
    );
  const kind = kindOf(call, undo);
  const id = idOf(undo);
  // Nobody can sign in with a deleted account, and ids are not used again.
  if (!(await findAccount(call, undo.object))) return { readBack: deletedFacets(undo), sessionsEnded: 0 };
  const given = (await directly(call, undo, kind)).find((one) => one.id === id);
  if (given) {
    if (kind === 'group') await call.write('DELETE', `${userPath(undo.object)}${groupPath(id)}`);
    // Never without a body: that would delete every realm role of the person.
    else await call.write('DELETE', rolesPath(undo.object), [{ id, name: given.name }]);
  }
  const sessionsEnded = await endSessions(call, undo.object);
  const direct = await directly(call, undo, kind);
  if (direct.some((one) => one.id === id))
    throw new TargetError(`${undo.object} still holds ${given?.name ?? id} at ${call.name}`, call.effect, 'changed');
  if ((await call.find(kind === 'group' ? groupPath(id) : rolePath(id))) === 'absent') {
    mustNotBeBack(call, undo, plan, direct);
    return {
      readBack: [
        { name: holdingName(undo), value: 'absent' },
        { name: `${holdingName(undo)}/name`, value: 'deleted' },
      ],
      sessionsEnded,
    };
  }
  return { readBack: facets(undo, await held(call, undo, kind)), sessionsEnded };
}

/** What the account holds directly: roles by name, groups by path. */
async function directly(call: Call, { object }: Undo, kind: Kind): Promise<readonly Named[]> {
  if (kind === 'role') return call.get<Named[]>(rolesPath(object));
  return (await call.get<Group[]>(groupsPath(object))).map(({ id, path }) => ({ id, name: path }));
}

/** The role or group was deleted, and what was given with it. One that was made again by import may be held again. */
function mustNotBeBack(call: Call, undo: Undo, plan: Plan, direct: readonly Named[]): void {
  const name = plan.before.facets.find((one) => one.name === `${holdingName(undo)}/name`)?.value;
  if (direct.some((one) => one.name.slice(0, 2000) === name))
    throw new TargetError(
      `${name} was deleted and made again, and ${undo.object} holds it: it is unclear who gave it, so take it away by hand or close the case`,
      call.effect,
      'changed',
    );
}
