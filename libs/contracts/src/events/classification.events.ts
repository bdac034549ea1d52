/** Events of classification. */
import { Type } from 'typebox';
import type { CatalogueEntry } from './entry.js';
import {
  Ceiling,
  Consumer,
  Digest,
  Id,
  Instant,
  Person,
  PolicyRef,
  Requirements,
  Seconds,
  Text,
  caseClasses,
  closed,
  oneOf,
  tiers,
} from './values.js';

export const classificationEvents = {
  'readmit.case.classified': {
    producer: 'classification',
    key: '{caseId}',
    code: 'RC-2001',
    label: 'classified',
    version: 1,
    gate: true,
    schema: closed({
      caseId: Id,
      class: oneOf(caseClasses),
      tier: oneOf(tiers),
      ceiling: Ceiling,
      requirements: Requirements,
      policy: PolicyRef,
      reasons: Type.Array(closed({ rule: Id, says: Text }), { minItems: 1 }),
      /** Drawn after the request and its key were recorded; the call-back code is derived from it (R3.4). */
      codeNonce: Type.Optional(Id),
      facts: Type.Array(closed({ name: Id, value: Type.String({ maxLength: 500 }), ageSeconds: Type.Optional(Seconds) })),
    }),
    fields: {
      caseId: 'public',
      class: 'public',
      tier: 'public',
      ceiling: 'public',
      requirements: 'public',
      policy: 'public',
      reasons: 'public',
      codeNonce: 'sensitive',
      facts: 'public',
    },
  },
  'readmit.policy.activated': {
    producer: 'classification',
    key: 'policy',
    code: 'RC-2002',
    label: 'policy activated',
    version: 1,
    schema: closed({ version: Id, digest: Digest, document: Type.Unknown() }),
    fields: { version: 'public', digest: 'public', document: 'public' },
  },
  'readmit.people.attested': {
    producer: 'classification',
    key: '{caseId}',
    code: 'RC-2003',
    label: 'people attested',
    version: 1,
    gate: true,
    schema: closed({
      caseId: Id,
      directory: closed({ digest: Digest, issuedAt: Instant, ageSeconds: Seconds }),
      people: Type.Array(Person),
      /** Digests of the subject's contact points on record (R3.4), each salted with the case id. */
      contacts: Type.Array(Digest),
      consumers: Type.Array(Consumer),
      /** The owners of a machine: people of the team that owns it. They get its notices. */
      owners: Type.Optional(Type.Array(Id, { maxItems: 100 })),
    }),
    fields: { caseId: 'public', directory: 'public', people: 'public', contacts: 'public', consumers: 'public', owners: 'public' },
  },
  'readmit.contact.shown': {
    producer: 'classification',
    key: '{caseId}',
    code: 'RC-2004',
    label: 'contact point shown',
    version: 1,
    schema: closed({ caseId: Id, by: Id, contact: Digest }),
    fields: { caseId: 'public', by: 'public', contact: 'sensitive' },
  },
} as const satisfies Record<string, CatalogueEntry>;
