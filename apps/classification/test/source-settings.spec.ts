/** The settings of a live source, against the ones of docs/directory.md. */
import { describe, expect, it } from '@jest/globals';
import { blockOf } from '@readmit/testing';
import { parseSource } from '../src/outbound/source-settings.js';

describe('the file of a live source', () => {
  it.each<[string, (yaml: string) => string, string]>([
    ['an unknown field', (yaml) => `${yaml}keys: []\n`, '/ must NOT have additional properties: keys'],
    ['an unencrypted connection', (yaml) => yaml.replace('ldaps:', 'ldap:'), 'url must be an ldaps URL, unless it is on loopback'],
    ['a filter that is none', (yaml) => yaml.replace('  id: uid', '  id: uid\n  filter: (uid='), 'people.filter '],
    ['polls once an hour', (yaml) => yaml.replace('pollSeconds: 20', 'pollSeconds: 3600'), '/pollSeconds must be <= 60'],
    ['a group that gives a key', (yaml) => yaml.replace('privileged: true', 'key: x'), '/groups/map/3 '],
    ['text that is not YAML', (yaml) => `${yaml}name: twice\n`, 'must name a file with valid YAML: Map keys must be unique'],
  ])('refuses settings with %s', (_what, change, message) => {
    const yaml = blockOf('docs/directory.md', 'From your LDAP directory', 3);
    expect(() => parseSource(change(yaml))).toThrow(message);
    expect(parseSource(yaml).name).toBe('hr');
  });

  it.each<[string, string, (yaml: string) => string, string]>([
    ['Keycloak', 'an unknown kind', (yaml) => yaml.replace('kind: keycloak', 'kind: okta'), '/kind must be one of ldap, keycloak, scim'],
    ['Keycloak', 'an unencrypted connection', (yaml) => yaml.replace('https:', 'http:'), 'url must be an https URL'],
    [
      'Keycloak',
      'a URL that is no realm',
      (yaml) => yaml.replace('/realms/acme', ''),
      'url must end with /realms/<realm>, without a slash after it',
    ],
    ['Keycloak', 'a relative path', (yaml) => yaml.replace('/run/secrets/', ''), 'credentialsFile must be an absolute path'],
    ['Keycloak', 'a group without a slash', (yaml) => yaml.replace('/help-desk', 'help-desk'), '/groups/map/0/group must match pattern'],
    [
      'Keycloak',
      'a base',
      (yaml) => yaml.replace('  id: id', '  id: id\n  base: dc=acme'),
      '/people must NOT have additional properties: base',
    ],
    ['Keycloak', 'pauses of an hour', (yaml) => yaml.replace('pollSeconds: 30', 'pollSeconds: 3600'), '/pollSeconds must be <= 60'],
    [
      'Keycloak',
      'a group that is mapped twice',
      (yaml) => yaml.replace('{ group: /security-oncall, authority: 5 }', '{ group: /security-oncall, team: security-oncall }'),
      'must map each group to the same thing once only',
    ],
    [
      'SCIM server',
      'no token',
      (yaml) => yaml.replace(/tokenFile.*\n/, ''),
      'tokenFile is one way to get a token, tokenUrl with credentialsFile the other',
    ],
    [
      'SCIM server',
      'a token of another server',
      (yaml) => yaml.replace(/tokenFile.*\n/, 'tokenUrl: https://sso.example.com/token\ncredentialsFile: /run/secrets/client.json\n'),
      'tokenUrl must have the origin of url',
    ],
    [
      'SCIM server',
      'a filter as an attribute',
      (yaml) => yaml.replace('phoneNumbers.value', `'phoneNumbers[type eq "work"].value'`),
      '/people/contacts/0/attribute must match',
    ],
  ])('refuses settings of a %s with %s', (server, _what, change, message) => {
    const yaml = blockOf('docs/directory.md', `From your ${server}`);
    expect(() => parseSource(change(yaml))).toThrow(message);
    expect(parseSource(yaml).version).toBe(1);
  });
});
