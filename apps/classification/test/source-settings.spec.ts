/** The settings of a live source, against the ones of docs/directory.md. */
import { describe, expect, it } from '@jest/globals';
import { blockOf } from '@readmit/testing';
import { parseSource } from '../src/outbound/source-settings.js';

const ldap = blockOf('docs/directory.md', 'From your LDAP directory', 3);
const keycloak = blockOf('docs/directory.md', 'Connect your Keycloak', 2);
const scim = blockOf('docs/directory.md', 'Connect your SCIM server');

type Case = readonly [what: string, change: (yaml: string) => string, message: string];
const ofAll: readonly Case[] = [
  ['an unknown field', (yaml) => `${yaml}keys: []\n`, '/ must NOT have additional properties: keys'],
  ['an unknown kind', (yaml) => yaml.replace(/^kind: .*$/m, 'kind: entra'), 'kind must be ldap, keycloak or scim, not "entra"'],
  ['no kind', (yaml) => yaml.replace(/^kind: .*$/m, ''), 'kind must be ldap, keycloak or scim, not absent'],
  ['polls once an hour', (yaml) => yaml.replace('pollSeconds: 20', 'pollSeconds: 3600'), '/pollSeconds must be <= 60'],
  ['a group that gives a key', (yaml) => yaml.replace('privileged: true', 'key: x'), '/groups/map/3 '],
  ['text that is not YAML', (yaml) => `${yaml}name: twice\n`, 'must name a file with valid YAML: Map keys must be unique'],
  [
    'a group twice',
    (yaml) => yaml.replace(/^( {4}- .*team: help-desk.*\n)/m, '$1$1'),
    'must map each group to the same thing once only: groups.map has an entry twice',
  ],
];

describe.each<[string, string, string, readonly Case[]]>([
  [
    'ldap',
    ldap,
    'hr',
    [
      ['an unencrypted connection', (yaml) => yaml.replace('ldaps:', 'ldap:'), 'url must be an ldaps URL, unless it is on loopback'],
      ['a filter that is none', (yaml) => yaml.replace('  id: uid', '  id: uid\n  filter: (uid='), 'people.filter '],
    ],
  ],
  [
    'keycloak',
    keycloak,
    'sso',
    [
      ['an unencrypted connection', (yaml) => yaml.replace('https:', 'http:'), 'url must be an https URL (http only for this machine)'],
      ['a URL of no realm', (yaml) => yaml.replace('/realms/acme', ''), 'url must end with /realms/<realm>, without a slash after it'],
      ['a relative file', (yaml) => yaml.replace('/run/', 'run/'), 'credentialsFile must be an absolute path, not run/secrets/'],
      ['a group without path', (yaml) => yaml.replace('/help-desk', 'help-desk'), 'groups.map must name each group by its path'],
      ['a pace for complete readings', (yaml) => `${yaml}completeSeconds: 300\n`, 'additional properties: completeSeconds'],
    ],
  ],
  [
    'scim',
    scim,
    'hr',
    [
      ['an unencrypted connection', (yaml) => yaml.replace('https:', 'http:'), 'url must be an https URL (http only for this machine)'],
      ['a relative file', (yaml) => yaml.replace('/run/', 'run/'), 'tokenFile must be an absolute path, not run/secrets/'],
      ['no token', (yaml) => yaml.replace(/^tokenFile.*\n/m, ''), 'tokenFile must be given, or instead of it tokenUrl and credentialsFile'],
      [
        'two ways to a token',
        (yaml) => `${yaml}tokenUrl: https://directory.example.com/token\n`,
        'tokenFile must be given, or instead of it tokenUrl and credentialsFile',
      ],
      [
        'a token from elsewhere',
        (yaml) => yaml.replace(/^tokenFile.*$/m, 'tokenUrl: https://other.example.com/token\ncredentialsFile: /c.json'),
        'tokenUrl must have the origin of url',
      ],
      ['an attribute that is no path', (yaml) => yaml.replace('id: externalId', 'id: a b'), '/people/id must match pattern'],
    ],
  ],
])('the file of a live source of kind %s', (kind, yaml, name, own) => {
  it.each([...ofAll, ...own])('is refused with %s', (_what, change, message) => {
    expect(() => parseSource(change(yaml))).toThrow(message);
    expect(parseSource(yaml)).toMatchObject({ kind, name });
  });
});

it('an unencrypted connection is allowed on loopback', () => {
  for (const yaml of [keycloak, scim])
    expect(parseSource(yaml.replace(/https:\/\/[a-z.]+/, 'http://127.0.0.1:8080')).url).toMatch(/^http:\/\/127\.0\.0\.1:8080\//);
});
