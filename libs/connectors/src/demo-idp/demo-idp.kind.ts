import { Id } from '@readmit/contracts';
import { mustBeHttps } from '@readmit/platform';
import { Type } from 'typebox';
import { safeField, type ConnectorKind, type SettingsOf } from '../connector-kind.js';
import { demoIdpConnector } from './demo-idp.connector.js';

const settings = {
  url: Type.String({ minLength: 1 }),
  tokenUrl: Type.String({ minLength: 1 }),
  clientId: Id,
  clientSecret: Type.String({ minLength: 1 }),
};

export const demoIdp: ConnectorKind<SettingsOf<typeof settings>> = {
  kind: 'demo-idp',
  settings,
  mustBeSafe({ name, url, tokenUrl }) {
    safeField(name, 'url', () => mustBeHttps(url));
    safeField(name, 'tokenUrl', () => mustBeHttps(tokenUrl));
  },
  secretsOf: ({ clientSecret }) => [clientSecret],
  open: ({ name, url, tokenUrl, clientId, clientSecret }) => demoIdpConnector({ name, url, tokenUrl, clientId, clientSecret }),
};
