import { closed, Id } from '@readmit/contracts';
import { Type } from 'typebox';
import { safeField, type ConnectorKind, type SettingsOf } from '../connector-kind.js';
import { postgresConnector } from './postgres.connector.js';
import { targetAddress } from './target-address.js';

const settings = {
  url: Type.String({ minLength: 1 }),
  accounts: Type.Array(closed({ object: Id, ownerRole: Id, logins: Type.Array(Id, { minItems: 2, maxItems: 2, uniqueItems: true }) })),
};

export const postgres: ConnectorKind<SettingsOf<typeof settings>> = {
  kind: 'postgres',
  settings,
  mustBeSafe({ name, url, accounts }) {
    safeField(name, 'url', () => targetAddress(url));
    // If there is no record of what a case created, the undo waits for a person as long as the owner role has an open login without a
    // mark. With a shared owner role those would be the logins of the other account, and the undo would never end.
    const owners = accounts.map(({ ownerRole }) => ownerRole);
    const shared = owners.find((owner, at) => owners.indexOf(owner) < at);
    if (shared !== undefined)
      throw new Error(`must give every account of ${name} its own owner role: ${shared} is the owner role of two accounts`);
  },
  secretsOf: ({ url }) => [url, new URL(url).password, targetAddress(url).password],
  open: ({ name, url, accounts }, { callTimeoutMs }) =>
    postgresConnector({
      name,
      url,
      callTimeoutMs,
      roles: accounts.map(({ object, ownerRole, logins }) => ({ object, ownerRole, logins: [logins[0] ?? '', logins[1] ?? ''] })),
    }),
};
