import { mustBeHttps } from '@readmit/platform';
import path from 'node:path';
import { Type } from 'typebox';
import { safeField, type ConnectorKind, type SettingsOf } from '../connector-kind.js';
import { keycloakConnector } from './keycloak.connector.js';

const settings = {
  url: Type.String({ minLength: 1 }),
  credentialsFile: Type.String({ minLength: 1 }),
  accessTokenSeconds: Type.Integer({ minimum: 1, maximum: 3600 }),
};

/** Throws unless it is the URL of a realm, and secrets may travel to it. */
export function mustBeRealm(url: string): void {
  mustBeHttps(url);
  if (!/\/realms\/[^/]+$/.test(new URL(url).pathname)) throw new Error('must end with /realms/<realm>, without a slash after it');
}

export const keycloak: ConnectorKind<SettingsOf<typeof settings>> = {
  kind: 'keycloak',
  settings,
  mustBeSafe({ name, url, credentialsFile }) {
    safeField(name, 'url', () => mustBeRealm(url));
    safeField(name, 'credentialsFile', () => {
      if (!path.isAbsolute(credentialsFile)) throw new Error('must be an absolute path');
    });
  },
  // The secret is in a separate file.
  secretsOf: () => [],
  open: (own, { callTimeoutMs }) => keycloakConnector({ ...own, callTimeoutMs }),
};
