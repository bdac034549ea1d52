import type { Ask, Facet, Identity, Plan, Step, Undo } from '@readmit/contracts';
import { TargetError } from '../connector.js';
import type { Call } from './admin-client.js';

interface Credential {
  readonly id: string;
  readonly type: string;
  readonly userLabel?: string;
  readonly credentialData?: string;
}
export interface Named {
  readonly id: string;
  readonly name: string;
}
export interface Group extends Named {
  readonly path: string;
  readonly parentId?: string;
}
export interface Account {
  readonly id: string;
  readonly username: string;
  readonly enabled: boolean;
  readonly requiredActions: readonly string[];
  readonly lock: 'none' | 'temporary' | 'permanent';
  /** Second factors, including the person's own recovery codes. */
  readonly factors: readonly Credential[];
  /** One-time codes that Readmit issued, by case. */
  readonly bypasses: readonly { readonly id: string; readonly caseId: string; readonly used: boolean }[];
}

/** Required action that makes the next sign-in enrol a new one-time-code device. */
export const enrol = 'CONFIGURE_TOTP';
const factorTypes = new Set(['otp', 'webauthn', 'webauthn-passwordless', 'recovery-authn-codes']);
const label = 'readmit ';
export const labelOf = (caseId: string): string => `${label}${caseId}`;
export const userPath = (id: string): string => `/users/${encodeURIComponent(id)}`;

/** One account, by its id. Throws `not-found` if there is none. */
export async function readAccount(call: Call, id: string): Promise<Account> {
  const account = await findAccount(call, id);
  if (!account) throw new TargetError(`${call.name} has no account ${id}`, call.effect, 'not-found');
  return account;
}

/**
 * One account, or undefined if it was deleted. The same token must first show the executor's own account with a role: otherwise something
 * that it does not show may exist.
 */
export async function findAccount(call: Call, id: string): Promise<Account | undefined> {
  const own = userPath(await call.ownId());
  const [seen, roles] = [await call.get<{ id: string }>(own), await call.get<Named[]>(`${own}/role-mappings/realm/composite`)];
  if (typeof seen?.id !== 'string' || !Array.isArray(roles) || roles.length === 0)
    throw new TargetError(
      `${call.name} does not show its executor's own account with a realm role, so things that it does not show may exist: give the service account the default roles of the realm`,
      call.effect,
      'refused',
    );
  const user = await call.find<{
    id: string;
    username: string;
    enabled: boolean;
    requiredActions?: string[];
    attributes?: Record<string, string[]>;
    serviceAccountClientId?: string;
  }>(userPath(id));
  if (user === 'absent') return undefined;
  if (user?.id !== id) throw new TargetError(`${call.name} returned another account than ${id}`, call.effect, 'changed');
  const credentials = await call.get<Credential[]>(`${userPath(id)}/credentials`);
  const lockout = await call.get<{ disabled: boolean }>(`/attack-detection/brute-force${userPath(id)}`);
  if (!Array.isArray(credentials))
    throw new TargetError(`${call.name} returned no list of credentials of ${id}`, call.effect, 'unreachable');
  const ours = credentials.filter(({ type, userLabel }) => type === 'recovery-authn-codes' && userLabel?.startsWith(label));
  const permanent = !user.enabled && user.attributes?.['disabledReason']?.[0] === 'permanentLockout';
  return {
    id,
    username: user.username,
    enabled: user.enabled || permanent,
    requiredActions: (user.requiredActions ?? []).toSorted(),
    lock: permanent ? 'permanent' : lockout.disabled ? 'temporary' : 'none',
    factors: credentials.filter((one) => factorTypes.has(one.type) && !ours.includes(one)).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    bypasses: ours.map(({ id: credential, userLabel, credentialData }) => ({
      id: credential,
      caseId: (userLabel ?? '').slice(label.length),
      used: isUsed(credentialData),
    })),
  };
}

/** Of the two codes one is issued and nobody knows the other: if fewer remain, the issued one was used. */
function isUsed(data: string | undefined): boolean {
  const { remainingCodes, totalCodes } = JSON.parse(data ?? '{}') as { remainingCodes?: number; totalCodes?: number };
  return remainingCodes === undefined || totalCodes === undefined || remainingCodes < totalCodes;
}

export const facetName = (of: Pick<Ask, 'connector' | 'object'>, what: string): string => `${of.connector}/${of.object}/${what}`;

/** What a plan depends on. The lock is only read back where a step lifts it: anyone who knows the name can cause one (R1.8). */
export function facetsOf(of: Pick<Ask, 'connector' | 'object'>, account: Account, withLock = false): Facet[] {
  const listed = (values: readonly string[]) => (values.length === 0 ? 'none' : values.join(' '));
  const facet = (what: string, value: string): Facet => ({ name: facetName(of, what), value });
  return [
    facet('enabled', account.enabled ? 'yes' : 'no'),
    facet('factors', listed(account.factors.map(({ id }) => id))),
    facet('bypass', listed(account.bypasses.map(({ used }) => (used ? 'used' : 'active')))),
    facet('required-actions', listed(account.requiredActions)),
    ...(withLock ? [facet('locked', account.lock === 'none' ? 'no' : 'yes')] : []),
  ];
}

/** In the read-back of an undo: the account does not exist any more, and what it had is gone with it. */
export const deletedFacets = (of: Pick<Ask, 'connector' | 'object'>): Facet[] => [{ name: facetName(of, 'enabled'), value: 'deleted' }];

/** Whether the account can sign in, now or as soon as a temporary lock lapses. */
export const isOpen = ({ enabled, lock }: Account): boolean => enabled && lock !== 'permanent';

/** Values of a list when the plan was made. */
export function listBefore(plan: Plan, of: Step | Undo, what: 'factors' | 'required-actions'): ReadonlySet<string> {
  const facet = plan.before.facets.find(({ name }) => name === facetName(of, what));
  if (!facet) throw new TargetError(`the plan does not say which ${what} ${of.object} had: plan again`, 'none', 'refused');
  return new Set(facet.value === 'none' ? [] : facet.value.split(' '));
}

export const liftsLock = (plan: Plan, of: Step | Undo): boolean =>
  plan.steps.some(({ kind, connector, object }) => kind === 'account.unlock' && connector === of.connector && object === of.object);

export const accountIdentity = ({ id }: Account): Identity => ({ name: 'account', value: id });
export const factorIdentity = (id: string): Identity => ({ name: 'factor', value: id });
