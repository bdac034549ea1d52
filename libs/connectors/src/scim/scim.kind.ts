import path from 'node:path';
import { closed } from '@readmit/contracts';
import { mustBeHttps } from '@readmit/platform';
import { Type } from 'typebox';
import { safeField, type ConnectorKind, type SettingsOf } from '../connector-kind.js';
import { readSecretFile } from '../secret-file.js';
import { mustBeTokenUrl, tokenSourceOf } from './scim-token.js';
import { scimConnector } from './scim.connector.js';

const text = Type.String({ minLength: 1 });
const settings = {
  url: text,
  tokenFile: Type.Optional(text),
  tokenUrl: Type.Optional(text),
  credentialsFile: Type.Optional(text),
  canary: closed({ group: text, member: text }),
  cacheSeconds: Type.Integer({ minimum: 0, maximum: 7 * 24 * 3600 }),
};
type Settings = SettingsOf<typeof settings>;

export const scim: ConnectorKind<Settings> = {
  kind: 'scim',
  settings,
  mustBeSafe(given) {
    const { name, url, tokenUrl, tokenFile, credentialsFile } = given;
    safeField(name, 'url', () => mustBeHttps(url));
    if (!tokenSourceOf(given)) throw new Error(`must give ${name} either tokenFile, or tokenUrl and credentialsFile`);
    if (tokenUrl !== undefined) safeField(name, 'tokenUrl', () => mustBeTokenUrl(tokenUrl, url));
    for (const [field, file] of Object.entries({ tokenFile, credentialsFile }))
      if (file !== undefined)
        safeField(name, field, () => {
          if (!path.isAbsolute(file)) throw new Error('must be an absolute path');
          readSecretFile(file);
        });
  },
  // The secrets are in files of their own, which are read for each request: they are in no setting, and no error repeats them.
  secretsOf: () => [],
  open(given, { callTimeoutMs }) {
    const { name, url, canary, cacheSeconds } = given;
    const token = tokenSourceOf(given);
    if (!token) throw new Error(`this is a bug: the settings of ${name} were not checked`);
    return scimConnector({ name, url, token, canary, cacheSeconds, callTimeoutMs });
  },
};
