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
});
