import { closed } from '@readmit/contracts';
import { Type } from 'typebox';
import { safeField, type ConnectorKind, type SettingsOf } from '../connector-kind.js';
import { ldapAddress } from './ldap-address.js';
import { ldapConnector } from './ldap.connector.js';
import { openldap } from './profile.js';

const text = Type.String({ minLength: 1 });
const settings = {
  profile: Type.Literal('openldap'),
  url: text,
  caFile: Type.Optional(text),
  bindDn: text,
  passwordFile: text,
  base: text,
  people: closed({ base: text, name: text }),
  groups: closed({ base: text, name: text, placeholder: Type.Optional(text) }),
  cacheSeconds: Type.Integer({ minimum: 0, maximum: 7 * 24 * 3600 }),
};

export const ldap: ConnectorKind<SettingsOf<typeof settings>> = {
  kind: 'ldap',
  settings,
  mustBeSafe({ name, url, caFile }) {
    safeField(name, 'url', () => ldapAddress(url, caFile));
  },
  // The password is in a separate file that is read at each bind: it is not a setting, and no error contains it.
  secretsOf: () => [],
  open: ({ name, url, caFile, bindDn, passwordFile, base, people, groups: { placeholder, ...groups }, cacheSeconds }, { callTimeoutMs }) =>
    ldapConnector({
      name,
      url,
      ...(caFile === undefined ? {} : { caFile }),
      bindDn,
      passwordFile,
      base,
      people,
      groups: { ...groups, ...(placeholder === undefined ? {} : { placeholder }) },
      cacheSeconds,
      callTimeoutMs,
      profile: openldap,
    }),
};
