import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { keycloakConnector } from '@readmit/connectors';
import type { Ask, AskKind } from '@readmit/contracts';
import { testKeycloak, type TestRealm } from '@readmit/testing';
import type { AskHere, Harness } from './harness.js';

const connector = 'keycloak';
/** Keycloak assigns ids when the realm is created, so they are filled into the asks then; the asks stay the same objects. */
interface Writable {
  object: string;
  entitlement?: string;
}

export function keycloakHarness(): Harness {
  let realm: TestRealm | undefined;
  let folder: string | undefined;
  const here = (): TestRealm => {
    if (!realm) throw new Error('the realm does not exist');
    return realm;
  };
  const of = (kind: AskKind, more: Omit<AskHere, 'ask'> = {}, entitlement?: string): AskHere => ({
    ask: { id: 'ask-1', kind, connector, object: 'alice', ...(entitlement === undefined ? {} : { entitlement }) },
    ...more,
  });
  const lasting: string[] = [];
  const asks = [
    of('factor.replace', { lasting }),
    of('factor.bypass'),
    of('factor.reset', { lasting }),
    of('account.unlock', { need: lockAlice }),
    of('role.restore', {}, 'helpdesk'),
    of('group.restore', {}, 'finance-admins'),
  ];
  const entryAt = (url: string) => ({ url, credentialsFile: path.join(folder ?? '', 'credentials.json'), accessTokenSeconds: 300 });
  const at = (issuer: string) => keycloakConnector({ name: connector, ...entryAt(issuer), callTimeoutMs: 30_000 });
  return {
    asks,
    async fresh() {
      realm ??= await (await testKeycloak()).realm();
      // A new account in the same realm: importing a realm takes seconds.
      await realm.admin('PUT', '', { directGrantFlow: 'no direct grant', permanentLockout: false });
      for (const { id } of await alices(realm)) await realm.admin('DELETE', `/users/${id}`);
      await realm.admin('POST', '/users', alice);
      const object = (await alices(realm))[0]?.id ?? '';
      folder ??= await mkdtemp(path.join(os.tmpdir(), 'readmit-keycloak-credentials-'));
      const clientId = 'readmit-execution';
      await writeFile(path.join(folder, 'credentials.json'), JSON.stringify({ clientId, clientSecret: realm.secrets[clientId] }), {
        mode: 0o600,
      });
      lasting.splice(0, lasting.length, `${connector}/${object}/factors`);
      for (const { ask } of asks) {
        const own = ask as Ask & Writable;
        own.object = object;
        if (own.kind === 'role.restore') own.entitlement = ((await realm.admin('GET', '/roles/helpdesk')) as { id: string }).id;
        if (own.kind === 'group.restore')
          own.entitlement = ((await realm.admin('GET', '/groups?search=finance-admins')) as { id: string }[])[0]?.id ?? '';
      }
      return at(realm.issuer);
    },
    at: (port) => at(`http://127.0.0.1:${port}/realms/${here().name}`),
    entry: () => ({ ...entryAt(here().issuer), kind: 'keycloak' }),
    secrets: () => [here().secrets['readmit-execution'] ?? ''],
    async stop() {
      await realm?.remove();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };

  /** Wrong passwords lock the account permanently, as the realm is configured; a browser's form would count the same. */
  async function lockAlice(): Promise<void> {
    const { admin, issuer } = here();
    await admin('PUT', '', { directGrantFlow: 'direct grant', permanentLockout: true });
    for (let tries = 0; tries < 20; tries++) {
      await fetch(`${issuer}/protocol/openid-connect/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: 'alice', password: 'a wrong password' }),
      });
      const [found] = await alices(here());
      if (found?.enabled === false) return;
    }
    throw new Error('the account was not locked');
  }
}

const alices = async ({ admin }: TestRealm) =>
  (await admin('GET', '/users?username=alice&exact=true')) as { readonly id: string; readonly enabled: boolean }[];

/** As in the realm file: a password and a one-time-code device. */
const alice = {
  ...{ username: 'alice', enabled: true, email: 'alice@acme.test', emailVerified: true, firstName: 'Alice', lastName: 'A' },
  credentials: [
    { type: 'password', value: 'alice-pw' },
    {
      type: 'otp',
      userLabel: 'old phone',
      secretData: JSON.stringify({ value: 'alice-otp-secret-0001' }),
      credentialData: JSON.stringify({ subType: 'totp', digits: 6, period: 30, algorithm: 'HmacSHA1', counter: 0 }),
    },
  ],
};
