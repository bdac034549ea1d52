/** The file that configures the live source. */
import { ldapAddress, mustBeRealm, mustBeTokenUrl, tokenSourceOf } from '@readmit/connectors';
import { closed, Id, Instant, oneOf } from '@readmit/contracts';
import { textFile, type Parse } from '@readmit/service';
import { messageOf, mustBeHttps } from '@readmit/platform';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { FilterParser } from 'ldapts';
import path from 'node:path';
import { Type, type Static, type TProperties, type TString } from 'typebox';
import { parseDocument } from 'yaml';
import type { Label } from './fact-source.js';

const text = Type.String({ minLength: 1, maxLength: 1000 });

/** What is read of a person. `attribute`: how this kind of source names one. */
const people = <T extends TProperties>(attribute: TString, ofContact: T) => ({
  id: attribute,
  human: attribute,
  employment: closed({ attribute, employee: Type.Array(text, { minItems: 1, maxItems: 50 }) }),
  manager: Type.Optional(attribute),
  contacts: Type.Array(closed({ kind: oneOf(['phone', 'email', 'mobile'] as const), attribute, ...ofContact }), { maxItems: 10 }),
  accounts: Type.Array(closed({ connector: Id, attribute }), { maxItems: 50 }),
});
/** What the members of something have. */
const gives = <T extends TProperties>(named: T) =>
  [
    closed({ ...named, team: Id }),
    closed({ ...named, authority: Type.Integer({ minimum: 1, maximum: 9 }) }),
    closed({ ...named, privileged: Type.Literal(true) }),
  ] as const;
const mostMapped = { maxItems: 200 };
const every = {
  version: Type.Literal(1),
  name: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
  url: text,
  fileOnly: Type.Array(Id, { maxItems: 100 }),
  pollSeconds: Type.Integer({ minimum: 5, maximum: 60 }),
  acceptRemovals: Type.Optional(closed({ atMost: Type.Integer({ minimum: 1, maximum: 1_000_000 }), until: Instant })),
};

/** A name of an attribute, without options. */
const ldapAttribute = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9-]{0,100}$' });
const LdapSourceSettings = closed({
  ...every,
  kind: Type.Literal('ldap'),
  caFile: Type.Optional(text),
  bindDn: text,
  passwordFile: text,
  people: closed({ base: text, filter: Type.Optional(text), ...people(ldapAttribute, {}) }),
  groups: closed({ base: text, map: Type.Array(Type.Union([...gives({ dn: text })]), mostMapped) }),
  completeSeconds: Type.Integer({ minimum: 30, maximum: 3600 }),
});
/** As Keycloak shows it: a slash between the names. */
const groupPath = Type.String({ pattern: '^/[^/]', maxLength: 1000 });
const KeycloakSourceSettings = closed({
  ...every,
  kind: Type.Literal('keycloak'),
  credentialsFile: text,
  people: closed(people(text, {})),
  groups: closed({ map: Type.Array(Type.Union([...gives({ group: groupPath }), ...gives({ role: text })]), mostMapped) }),
});
/** `userType`, `emails.value`, or one of an extension: `urn:...:User:employeeNumber`. */
const scimAttribute = Type.String({
  pattern: '^(urn:[A-Za-z0-9:._-]{1,200}:)?[A-Za-z][A-Za-z0-9_-]{0,60}(\\.[A-Za-z][A-Za-z0-9_-]{0,60})?$',
});
const ScimSourceSettings = closed({
  ...every,
  kind: Type.Literal('scim'),
  tokenFile: Type.Optional(text),
  tokenUrl: Type.Optional(text),
  credentialsFile: Type.Optional(text),
  people: closed(people(scimAttribute, { type: Type.Optional(Type.String({ pattern: '^[^ ]{1,60}$' })) })),
  groups: closed({ map: Type.Array(Type.Union([...gives({ group: text })]), mostMapped) }),
});
export type LdapSourceSettings = Static<typeof LdapSourceSettings>;
export type KeycloakSourceSettings = Static<typeof KeycloakSourceSettings>;
export type ScimSourceSettings = Static<typeof ScimSourceSettings>;
export type SourceSettings = LdapSourceSettings | KeycloakSourceSettings | ScimSourceSettings;

const ajv = new Ajv2020({ allErrors: true, strict: false, validateSchema: false });
const kinds: Readonly<Record<SourceSettings['kind'], ValidateFunction<SourceSettings>>> = {
  ldap: ajv.compile(LdapSourceSettings),
  keycloak: ajv.compile(KeycloakSourceSettings),
  scim: ajv.compile(ScimSourceSettings),
};
const isKind = (kind: unknown): kind is SourceSettings['kind'] => typeof kind === 'string' && Object.hasOwn(kinds, kind);

export type Mapped = SourceSettings['groups']['map'][number];
export const labelOf = (mapped: Mapped): Label =>
  'team' in mapped ? `team:${mapped.team}` : 'authority' in mapped ? `authority:${mapped.authority}` : 'privileged';
/** Of the group or role, for messages too. */
export const nameOf = (mapped: Mapped): string =>
  'role' in mapped ? `role ${mapped.role}` : `group ${'dn' in mapped ? mapped.dn : mapped.group}`;

/** @throws {Error} the text is refused; the message completes the name of the setting. */
export function parseSource(yaml: string): SourceSettings {
  const document = parseDocument(yaml, { strict: true, uniqueKeys: true, version: '1.2' });
  if (document.errors.length > 0)
    throw new Error(`must name a file with valid YAML: ${document.errors.map(({ message }) => message).join('; ')}`);
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  const kind = (value as { kind?: unknown } | null)?.kind;
  if (!isKind(kind)) throw new Error(`must name a file with a directory source; /kind must be one of ${Object.keys(kinds).join(', ')}`);
  const valid = kinds[kind];
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
  mustBeUsable(value);
  const mapped = value.groups.map.map((one) => `${'dn' in one ? one.dn.toLowerCase() : nameOf(one)} ${labelOf(one)}`);
  if (new Set(mapped).size < mapped.length)
    throw new Error('must map each group to the same thing once only: groups.map has an entry twice');
  return value;
}

function mustBeUsable(value: SourceSettings): void {
  if (value.kind === 'ldap') {
    inField('url', () => ldapAddress(value.url, value.caFile));
    inField('people.filter', () => FilterParser.parseString(value.people.filter ?? '(objectClass=*)'));
  } else if (value.kind === 'keycloak') {
    inField('url', () => mustBeRealm(value.url));
    mustBeAbsolute('credentialsFile', value.credentialsFile);
  } else {
    const { url, tokenFile, tokenUrl, credentialsFile } = value;
    inField('url', () => mustBeHttps(url));
    inField('tokenFile', () => {
      if (!tokenSourceOf(value)) throw new Error('is one way to get a token, tokenUrl with credentialsFile the other: give exactly one');
    });
    if (tokenUrl !== undefined) inField('tokenUrl', () => mustBeTokenUrl(tokenUrl, url));
    mustBeAbsolute('tokenFile', tokenFile);
    mustBeAbsolute('credentialsFile', credentialsFile);
  }
}

function mustBeAbsolute(field: string, file: string | undefined): void {
  inField(field, () => {
    if (file !== undefined && !path.isAbsolute(file)) throw new Error('must be an absolute path');
  });
}

function inField(field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw new Error(`must name a file with a directory source; ${field} ${messageOf(error)}`, { cause: error });
  }
}

const file = textFile('directory-source.yaml');
export const sourceFile: Parse<SourceSettings> = Object.assign((name: string) => parseSource(file(name)), {
  example: 'directory-source.yaml',
});
