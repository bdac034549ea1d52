import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connectorKinds, type Connector } from '@readmit/connectors';
import type { Ask } from '@readmit/contracts';
import { blockOf, type TestRealm } from '@readmit/testing';
import { connectorName, createGroup, createUser, startScimTarget, type ScimTarget } from '../../libs/connectors/test/scim-target.js';
import { scimRealm } from '../../libs/connectors/test/scim-realm.js';
import type { AskHere, Harness } from './harness.js';

interface Writable {
  object: string;
}
const askHere = (): AskHere => ({
  ask: { id: 'ask-1', kind: 'group.restore', connector: connectorName, object: 'erin', entitlement: 'finance-admins' },
});

/** The entry of the file of targets as docs/targets.md has it, with other values for what is of one target. */
const entryOf = (entry: string, own: Readonly<Record<string, unknown>>) => {
  const [settings] = JSON.parse(entry) as [{ readonly name: string }];
  return { ...settings, ...own };
};
function opened(entry: { readonly name: string }): Connector {
  const kind = connectorKinds.find((one) => one.kind === 'scim');
  if (!kind) throw new Error('there is no connector for SCIM');
  kind.mustBeSafe(entry);
  return kind.open(entry, { callTimeoutMs: 30_000 });
}

/** scim2-server: ETags, PATCH without an answer, members that need not be known. */
export function scimHarness(): Harness {
  let target: ScimTarget | undefined;
  const here = askHere();
  const running = (): ScimTarget => {
    if (!target) throw new Error('the SCIM server does not run');
    return target;
  };
  const entryAt = (url: string) => {
    const { tokenFile, canary } = running();
    return entryOf(blockOf('docs/targets.md', 'Connect a SCIM server', 2), { url, tokenFile, canary });
  };
  const at = (url: string): Connector => opened(entryAt(url));
  return {
    asks: [here],
    async fresh() {
      target ??= await startScimTarget();
      const { admin, server } = target;
      const { Resources: groups = [] } = (await admin('GET', '/Groups?filter=displayName%20eq%20%22finance-admins%22')) as {
        Resources?: readonly { readonly id: string }[];
      };
      for (const { id } of groups) await admin('DELETE', `/Groups/${id}`);
      const other = await createUser(admin, `dave-${Date.now()}`);
      await createGroup(admin, 'finance-admins', [other]);
      (here.ask as Ask & Writable).object = await createUser(admin, `erin-${Date.now()}`);
      return at(server.url);
    },
    at: (port) => at(`http://127.0.0.1:${port}/v2`),
    entry: () => entryAt(running().server.url),
    secrets: () => [running().server.token],
    stop: async () => target?.stop(),
  };
}

/** Keycloak: no ETags, no members unless they are asked for, an error for a member that is not known. */
export function scimAtKeycloakHarness(): Harness {
  let realm: (TestRealm & Awaited<ReturnType<typeof scimRealm>>) | undefined;
  let folder: string | undefined;
  const here = askHere();
  const running = () => {
    if (!realm) throw new Error('the realm is not there');
    return realm;
  };
  const entryAt = (issuer: string) =>
    entryOf(blockOf('docs/targets.md', 'Connect a SCIM server', 3), {
      url: `${issuer}/scim/v2`,
      tokenUrl: `${issuer}/protocol/openid-connect/token`,
      credentialsFile: path.join(folder ?? '', 'scim.json'),
      canary: running().canary,
    });
  const at = (issuer: string): Connector => opened(entryAt(issuer));
  return {
    asks: [here],
    async fresh() {
      realm ??= await scimRealm();
      folder ??= await mkdtemp(path.join(os.tmpdir(), 'readmit-scim-credentials-'));
      await writeFile(path.join(folder, 'scim.json'), JSON.stringify(realm.credentials), { mode: 0o600 });
      // A new account in the same group.
      (here.ask as Ask & Writable).object = await createUser(realm.scim, `erin-${Date.now()}`);
      return at(realm.issuer);
    },
    at: (port) => at(`http://127.0.0.1:${port}/realms/${running().name}`),
    entry: () => entryAt(running().issuer),
    secrets: () => [running().credentials.clientSecret],
    async stop() {
      await realm?.remove();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
