import { TargetError } from '../connector.js';
import type { Call } from './admin-client.js';

/** An entry of `/authentication/flows/{alias}/executions`: a tree in preorder, by level. */
interface Execution {
  readonly level: number;
  readonly requirement: 'REQUIRED' | 'ALTERNATIVE' | 'CONDITIONAL' | 'DISABLED';
  readonly providerId?: string;
  readonly authenticationFlow?: boolean;
  readonly displayName?: string;
}
interface Node extends Execution {
  readonly children: readonly Node[];
}

export interface RealmPaths {
  /** Why a second factor does not protect accounts in this realm; then no plan for factors is made. */
  readonly refuse: readonly string[];
  /** Warnings for approvers. */
  readonly warn: readonly string[];
  /** Whether the browser flow accepts recovery codes. */
  readonly acceptsCodes: boolean;
  readonly accessTokenSeconds: number;
  readonly canEnrol: boolean;
}

/** Keycloak shows its version to administrators of the server only. */
export const versionNotChecked =
  'The version of Keycloak is not checked: run 26.7.5 or newer, earlier ones have known ways around a second factor.';

const secondFactors = new Set([
  'auth-otp-form',
  'webauthn-authenticator',
  'webauthn-authenticator-passwordless',
  'auth-recovery-authn-code-form',
  'direct-grant-validate-otp',
  'deny-access-authenticator',
]);
/** Authenticators that use no password: an existing session, Kerberos, another provider. */
const withoutPassword = new Set(['auth-cookie', 'auth-spnego', 'identity-provider-redirector']);
const level = 'conditional-level-of-authentication';

function treeOf(flat: readonly Execution[]): Node[] {
  const roots: Node[] = [];
  const path: Node[][] = [roots];
  for (const one of flat) {
    const node = { ...one, children: [] as Node[] };
    path[one.level]?.push(node);
    path[one.level + 1] = node.children;
    path.length = one.level + 2;
  }
  return roots;
}

/** Whether a password alone is not enough to pass these siblings. */
export function needsSecondFactor(siblings: readonly Node[]): boolean {
  const active = siblings.filter(({ requirement }) => requirement !== 'DISABLED');
  const asks = (one: Node): boolean => (one.authenticationFlow ? needsSecondFactor(one.children) : secondFactors.has(one.providerId ?? ''));
  const together = active.filter(({ requirement }) => requirement !== 'ALTERNATIVE');
  // Of the flows with a level of authentication, the first, which has the lowest level, always runs.
  const levels = together.filter(
    ({ requirement, children }) => requirement === 'CONDITIONAL' && children.some((one) => one.providerId === level),
  );
  if (together.length > 0) return together.some((one) => (one.requirement === 'REQUIRED' || one === levels[0]) && asks(one));
  const ways = active.filter(({ providerId }) => !withoutPassword.has(providerId ?? ''));
  return ways.length > 0 && ways.every(asks);
}

export const needsSecondFactorIn = (flat: readonly Execution[]): boolean => needsSecondFactor(treeOf(flat));

/** Ways into an account of the realm other than the restored factor (N18). */
export async function readPaths(call: Call): Promise<RealmPaths> {
  const realm = await call.get<{
    accessTokenLifespan?: number;
    browserFlow?: string;
    directGrantFlow?: string;
    resetPasswordAllowed?: boolean;
    registrationAllowed?: boolean;
    bruteForceProtected?: boolean;
  }>('');
  if (typeof realm.accessTokenLifespan !== 'number' || realm.browserFlow === undefined || realm.directGrantFlow === undefined)
    throw new TargetError(`${call.name} does not show the settings of the realm: its executor needs view-realm`, call.effect, 'refused');
  const executions = (alias: string) => call.get<Execution[]>(`/authentication/flows/${encodeURIComponent(alias)}/executions`);
  const [refuse, warn]: [string[], string[]] = [[], []];
  const browser = await executions(realm.browserFlow);
  if (!needsSecondFactorIn(browser))
    refuse.push(`the browser flow "${realm.browserFlow}" lets a password alone in where there is no second factor`);
  if (!needsSecondFactorIn(await executions(realm.directGrantFlow)))
    refuse.push(`the direct grant flow "${realm.directGrantFlow}" gives tokens for a password alone`);
  for (const { alias, providerId } of await call.get<{ alias: string; providerId: string }[]>('/authentication/flows')) {
    if (providerId !== 'basic-flow' || alias === realm.browserFlow) continue;
    const flat = await executions(alias);
    if (flat.some((one) => one.providerId === 'auth-username-password-form') && !needsSecondFactorIn(flat))
      warn.push(`A client that is bound to the flow "${alias}" lets a password alone in; the executor cannot see which clients are.`);
  }
  if (realm.resetPasswordAllowed)
    warn.push('Users can reset their password by mail: a second way to recover an account in addition to this one.');
  if (realm.registrationAllowed) warn.push('Anybody can register an account in this realm.');
  if (!realm.bruteForceProtected) warn.push('The realm has no brute force protection: codes can be guessed.');
  const actions = await call.get<{ alias: string; enabled: boolean }[]>('/authentication/required-actions');
  return {
    refuse,
    warn: [...warn, versionNotChecked],
    acceptsCodes: browser.some((one) => one.providerId === 'auth-recovery-authn-code-form' && one.requirement !== 'DISABLED'),
    accessTokenSeconds: realm.accessTokenLifespan,
    canEnrol: actions.some(({ alias, enabled }) => alias === 'CONFIGURE_TOTP' && enabled),
  };
}
