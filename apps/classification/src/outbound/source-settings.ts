/** The file that configures the live source. */
import { ldapAddress } from '@readmit/connectors';
import { closed, Id, Instant, oneOf } from '@readmit/contracts';
import { textFile, type Parse } from '@readmit/service';
import { messageOf } from '@readmit/platform';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { FilterParser } from 'ldapts';
import { Type, type Static } from 'typebox';
import { parseDocument } from 'yaml';
import type { Label } from './fact-source.js';

const text = Type.String({ minLength: 1, maxLength: 1000 });
/** A name of an attribute, without options. */
const attribute = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9-]{0,100}$' });
const group = Type.Union([
  closed({ dn: text, team: Id }),
  closed({ dn: text, authority: Type.Integer({ minimum: 1, maximum: 9 }) }),
  closed({ dn: text, privileged: Type.Literal(true) }),
]);
const LdapSourceSettings = closed({
  version: Type.Literal(1),
  kind: Type.Literal('ldap'),
  name: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
  url: text,
  caFile: Type.Optional(text),
  bindDn: text,
  passwordFile: text,
  people: closed({
    base: text,
    filter: Type.Optional(text),
    id: attribute,
    human: attribute,
    employment: closed({ attribute, employee: Type.Array(text, { minItems: 1, maxItems: 50 }) }),
    manager: Type.Optional(attribute),
    contacts: Type.Array(closed({ kind: oneOf(['phone', 'email', 'mobile'] as const), attribute }), { maxItems: 10 }),
    accounts: Type.Array(closed({ connector: Id, attribute }), { maxItems: 50 }),
  }),
  groups: closed({ base: text, map: Type.Array(group, { maxItems: 200 }) }),
  fileOnly: Type.Array(Id, { maxItems: 100 }),
  pollSeconds: Type.Integer({ minimum: 5, maximum: 60 }),
  completeSeconds: Type.Integer({ minimum: 30, maximum: 3600 }),
  acceptRemovals: Type.Optional(closed({ atMost: Type.Integer({ minimum: 1, maximum: 1_000_000 }), until: Instant })),
});
export type LdapSourceSettings = Static<typeof LdapSourceSettings>;

const valid = new Ajv2020({ allErrors: true, strict: false, validateSchema: false }).compile<LdapSourceSettings>(LdapSourceSettings);

export const labelOf = (mapped: LdapSourceSettings['groups']['map'][number]): Label =>
  'team' in mapped ? `team:${mapped.team}` : 'authority' in mapped ? `authority:${mapped.authority}` : 'privileged';

/** @throws {Error} the text is refused; the message completes the name of the setting. */
export function parseSource(yaml: string): LdapSourceSettings {
  const document = parseDocument(yaml, { strict: true, uniqueKeys: true, version: '1.2' });
  if (document.errors.length > 0)
    throw new Error(`must name a file with valid YAML: ${document.errors.map(({ message }) => message).join('; ')}`);
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  if (!valid(value))
    throw new Error(
      `must name a file with a directory source; ${(valid.errors ?? [])
        .slice(0, 5)
        .map(({ instancePath, message = 'is wrong', params }) => {
          const extra = (params as { additionalProperty?: string }).additionalProperty;
          return `${instancePath || '/'} ${message}${extra === undefined ? '' : `: ${extra.slice(0, 50)}`}`;
        })
        .join('; ')}`,
    );
  inField('url', () => ldapAddress(value.url, value.caFile));
  inField('people.filter', () => FilterParser.parseString(value.people.filter ?? '(objectClass=*)'));
  const dns = value.groups.map.map((one) => `${one.dn.toLowerCase()} ${labelOf(one)}`);
  if (new Set(dns).size < dns.length) throw new Error('must map each group to the same thing once only: groups.map has an entry twice');
  return value;
}

function inField(field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw new Error(`must name a file with a directory source; ${field} ${messageOf(error)}`, { cause: error });
  }
}

const file = textFile('directory-source.yaml');
export const sourceFile: Parse<LdapSourceSettings> = Object.assign((path: string) => parseSource(file(path)), {
  example: 'directory-source.yaml',
});
