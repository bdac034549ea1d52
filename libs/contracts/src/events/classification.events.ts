/** What classification says. */
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
      facts: 'public',
    },
  },
  'readmit.policy.activated': {
    producer: 'classification',
    code: 'RC-2002',
    label: 'policy activated',
    version: 1,
    schema: closed({ version: Id, digest: Digest, document: Type.Unknown() }),
    fields: { version: 'public', digest: 'public', document: 'public' },
  },
  'readmit.people.attested': {
    producer: 'classification',
    code: 'RC-2003',
    label: 'people attested',
    version: 1,
    gate: true,
    schema: closed({
      caseId: Id,
      directory: closed({ digest: Digest, issuedAt: Instant, ageSeconds: Seconds }),
      people: Type.Array(Person),
      /** Digests of the contact points on record of the subject (R3.4), each salted with the case id. */
      contacts: Type.Array(Digest),
      consumers: Type.Array(Consumer),
    }),
    fields: { caseId: 'public', directory: 'public', people: 'public', contacts: 'public', consumers: 'public' },
  },
} as const satisfies Record<string, CatalogueEntry>;
