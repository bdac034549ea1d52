import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { capabilities, oneOf } from '@readmit/contracts';
import { mustBeHttps } from '@readmit/platform';
import { Type } from 'typebox';
import { safeField, type ConnectorKind, type SettingsOf } from '../connector-kind.js';
import { readSecretFile } from '../secret-file.js';
import { secretsIn } from './client.js';
import { webhookAsks } from './messages.js';
import { webhookConnector } from './webhook.connector.js';

const settings = {
  url: Type.String({ minLength: 1 }),
  secretFile: Type.String({ minLength: 1 }),
  asks: Type.Array(oneOf(webhookAsks), { minItems: 1, uniqueItems: true }),
  can: Type.Array(oneOf(capabilities), { uniqueItems: true }),
  residualSeconds: Type.Integer({ minimum: 0, maximum: 31_536_000 }),
};

export const webhook: ConnectorKind<SettingsOf<typeof settings>> = {
  kind: 'webhook',
  settings,
  mustBeSafe({ name, url, secretFile, can }) {
    safeField(name, 'url', () => mustBeHttps(url));
    safeField(name, 'secretFile', () => {
      if (!path.isAbsolute(secretFile)) throw new Error('must be an absolute path');
      secretsIn(readSecretFile(secretFile));
    });
    safeField(name, 'can', () => {
      if (!can.includes('read-back')) throw new Error('must include read-back, because Readmit believes no change that it cannot read');
    });
  },
  secretsOf: ({ secretFile }) => secretsIn(readSecretFile(secretFile)),
  open: ({ name, url, secretFile, asks, can, residualSeconds }) =>
    webhookConnector({
      name,
      url,
      secretFile,
      ids: () => `msg_${randomUUID()}`,
      now: () => new Date(),
      capabilities: { asks, can, residualSeconds },
    }),
};
