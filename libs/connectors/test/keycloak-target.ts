/** A realm of a real Keycloak as a target, for specs of the connector: asks by name, plans, steps and undos. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Ask, Plan, RecipientKey, Undo } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { testKeycloak, until, type TestRealm } from '@readmit/testing';
import { keycloakConnector, type Connector, type UndoResult } from '../src/index.js';

export const never = new AbortController().signal;
export const caseId = 'case_1';
const clientId = 'readmit-execution';

export interface KeycloakTarget {
  readonly realm: TestRealm;
  /** The file with the executor's credentials. */
  readonly credentialsFile: string;
  writeCredentials(clientSecret?: string): Promise<void>;
  /** At the realm, or at a proxy in front of it. */
  connector(url?: string, callTimeoutMs?: number): Connector;
  /** Adds a person with a password (`<name>-pw`) and returns the id. */
  person(name: string): Promise<string>;
  /** Wrong passwords until the account is locked, as the realm is configured; a browser's form would count the same. */
  lock(name: string, how: 'temporary' | 'permanent'): Promise<void>;
  stop(): Promise<void>;
}

export async function keycloakTarget(): Promise<KeycloakTarget> {
  const realm = await (await testKeycloak()).realm();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-keycloak-credentials-'));
  const credentialsFile = path.join(folder, 'credentials.json');
  const writeCredentials = (clientSecret = realm.secrets[clientId] ?? ''): Promise<void> =>
    writeFile(credentialsFile, JSON.stringify({ clientId, clientSecret }), { mode: 0o600 });
  await writeCredentials();
  const idOf = async (name: string) =>
    ((await realm.admin('GET', `/users?username=${name}&exact=true`)) as { readonly id: string }[])[0]?.id ?? '';
  return {
    realm,
    credentialsFile,
    writeCredentials,
    connector: (url = realm.issuer, callTimeoutMs = 30_000) =>
      keycloakConnector({ name: 'keycloak', url, credentialsFile, accessTokenSeconds: 300, callTimeoutMs }),
    async person(name) {
      await realm.admin('POST', '/users', {
        ...{ username: name, enabled: true, email: `${name}@acme.test`, emailVerified: true, firstName: name, lastName: 'A' },
        credentials: [{ type: 'password', value: `${name}-pw` }],
      });
      return idOf(name);
    },
    async lock(name, how) {
      await realm.admin('PUT', '', { directGrantFlow: 'direct grant', permanentLockout: how === 'permanent' });
      const id = await idOf(name);
      const isLocked = async (): Promise<boolean> => {
        await fetch(`${realm.issuer}/protocol/openid-connect/token`, {
          method: 'POST',
          body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: name, password: 'a wrong password' }),
        });
        const lockout = (await realm.admin('GET', `/attack-detection/brute-force/users/${id}`)) as { readonly disabled: boolean };
        const { enabled } = (await realm.admin('GET', `/users/${id}`)) as { readonly enabled: boolean };
        return how === 'permanent' ? !enabled : lockout.disabled;
      };
      await until(isLocked, { what: `a ${how} lock of ${name}` });
      await realm.admin('PUT', '', { directGrantFlow: 'no direct grant' });
    },
    async stop() {
      await realm.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const askFor = (kind: Ask['kind'], object: string, entitlement?: string): Ask => ({
  ...{ id: 'ask-1', kind, connector: 'keycloak', object },
  ...(entitlement === undefined ? {} : { entitlement }),
});

export const partsOf = (connector: Connector, ask: Ask, recipients: readonly RecipientKey[] = []): Promise<PlanParts> =>
  connector.plan(
    ask,
    {
      ceiling: {
        steps: ['factor.remove', 'bypass.issue', 'sessions.end', 'account.unlock', 'role.grant'],
        entitlements: ask.entitlement === undefined ? [] : [ask.entitlement],
        maxDurationSeconds: 900,
      },
      ...{ durationSeconds: 900, overlapSeconds: 0, recipients },
    },
    never,
  );

export async function planOf(connector: Connector, ask: Ask, recipients: readonly RecipientKey[] = []): Promise<Plan> {
  const parts = await partsOf(connector, ask, recipients);
  return {
    ...{ caseId, class: 'mfa-recovery', asks: [ask], recipients: [], durationSeconds: 900, classificationId: 'event_1' },
    steps: parts.steps.map((step, at) => ({ ...step, id: `step-${at + 1}`, askId: ask.id })),
    obligations: parts.obligations.map((undo, at) => ({ ...undo, id: `${caseId}/obligation-${at + 1}` })),
    ...{ removes: [...parts.removes], restores: [...parts.restores], untouched: [...parts.untouched] },
    before: { digest: '0'.repeat(64), facets: [...parts.before] },
  };
}

/** Executes all steps; returns the sealed secret, if one of them has one. */
export async function execute(connector: Connector, plan: Plan, recipients: readonly RecipientKey[] = []): Promise<string> {
  let jwe = '';
  for (const step of plan.steps) {
    const { sealed } = await connector.execute(step, { caseId, recipients, expiresAt: new Date(Date.now() + 900_000), plan }, never);
    jwe ||= sealed[0]?.jwe ?? '';
  }
  return jwe;
}

export async function undo(connector: Connector, plan: Plan, kind: Undo['kind']): Promise<UndoResult> {
  const found = plan.obligations.find((one) => one.kind === kind);
  if (!found) throw new Error(`the plan has no ${kind}`);
  return connector.undo(found, { caseId, plan }, never);
}
