/** What identity providers tell us: the types, the topics and the reasons for which a signal is not taken. */
import { Type } from 'typebox';
import type { EventData } from '../events/catalogue.js';
import { described, idPattern, oneOf } from '../events/values.js';

export type SignalKind = EventData<'readmit.signal.received'>['kind'];

/** CloudEvents types that are taken, and what each becomes in `readmit.signal.received`. */
export const signalTypes = {
  'readmit.idp.account-locked': 'account-locked',
  'readmit.idp.credential-compromised': 'credential-compromised',
  'readmit.idp.session-revoked': 'session-revoked',
} as const satisfies Record<string, SignalKind>;
export type SignalType = keyof typeof signalTypes;
export const signalTypeNames = Object.keys(signalTypes) as SignalType[];
export const isSignalType = (text: string): text is SignalType => Object.hasOwn(signalTypes, text);

/** The topic says who speaks: only its provider may write there. */
export const providerOfSignalTopic = (topic: string): string | undefined => /^readmit\.signals\.([A-Za-z0-9-]{1,63})\.v1$/.exec(topic)?.[1];

/** Consumer group that takes signals. */
export const signalGroup = 'intake.signals';

export const signalLimits = {
  /** Of a record's value or a body. */
  bytes: 256 * 1024,
  headers: 64,
  headerBytes: 16 * 1024,
  maxAgeDays: 35,
  /** How far a provider's clock may be ahead of ours. */
  aheadSeconds: 300,
  subjectLength: 255,
} as const;

export const SignalEvent = described(
  Type.Object(
    {
      specversion: described(Type.Literal('1.0'), 'Version of CloudEvents.'),
      id: described(
        Type.String({ minLength: 1, maxLength: 256 }),
        'Unique within the source: the same source and id again changes nothing.',
      ),
      source: described(
        Type.String({ minLength: 1, maxLength: 512, pattern: '^[\\x21-\\x7e]+$' }),
        "URI of the provider's realm or tenant; one that the operators have set for this provider.",
      ),
      type: described(oneOf(signalTypeNames), 'What happened.'),
      time: described(
        Type.String({
          pattern: '^\\d{4}-\\d{2}-\\d{2}[Tt]([01]\\d|2[0-3]):\\d{2}:\\d{2}(\\.\\d{1,9})?([Zz]|[+-]\\d{2}:\\d{2})$',
        }),
        'When it happened: RFC 3339, with any offset; at most 35 days ago.',
      ),
      subject: described(
        Type.String({ minLength: 1, maxLength: signalLimits.subjectLength, pattern: idPattern }),
        'The person or account, by the id that the directory has for it.',
      ),
      datacontenttype: Type.Optional(
        described(Type.String({ maxLength: 256 }), 'Media type of `data`: JSON of some kind; absent means application/json.'),
      ),
      dataschema: Type.Optional(described(Type.String({ maxLength: 512 }), 'URI of the schema of `data`; not looked at.')),
      data: Type.Optional(described(Type.Object({}), 'Any object; its form alone is looked at, and nothing in it is kept.')),
    },
    { additionalProperties: Type.Union([Type.String(), Type.Integer(), Type.Boolean(), Type.Null()]) },
  ),
  'A signal as a CloudEvent in structured mode; extension attributes are allowed and not kept.',
);

/** A signal that can be recorded. */
export interface Signal {
  /** From the topic or the client, never from the event. */
  readonly provider: string;
  readonly source: string;
  readonly id: string;
  readonly kind: SignalKind;
  readonly subject: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly occurredAt: string;
}

/** Every reason for which a signal is not taken: what it means and what to do. The same over HTTP and over Kafka, but for what is said to be of one alone. */
export const signalRefusals = {
  undecodable:
    'Kafka alone: a compressed batch that is broken, or holds more than 8 MiB or 50,000 records. Send its signals again in smaller batches.',
  oversized: 'Larger than 256 KiB, or more than 64 headers or 16 KiB of them. Leave out what is not an attribute of the signal.',
  'media-type':
    'A content type of CloudEvents other than application/cloudevents+json (batches included), or none and no ce attributes. Send one event a message.',
  'broken-utf8': 'An attribute or the JSON is not UTF-8. Encode it as UTF-8.',
  'json-too-deep': 'The JSON nests deeper than 32 levels.',
  'broken-json': 'Structured mode, and the bytes are not JSON.',
  'not-an-object': 'Structured mode, and the JSON is not an object.',
  'attribute-malformed':
    'An attribute has a name that is not lower-case letters and digits, or a value that its type does not have, or it or a name in the JSON stands twice.',
  'attribute-missing': 'id, source, type, subject or time is missing or empty. All five are required here.',
  specversion: 'specversion is missing or not 1.0.',
  'unknown-type': 'A type that is none of readmit.idp.*. Map the event of your provider to one of them.',
  'subject-not-an-id':
    'The subject is not an id of at most 255 characters; the sentence says what is wrong with it. Send the id that the directory has for the account, not a name.',
  'time-malformed': 'The time is not an RFC 3339 instant with an offset.',
  'from-the-future': 'The time is more than five minutes in the future. Check the clock of the provider.',
  'too-old': 'The time is more than 35 days ago. An operator can re-drive it from the parked messages.',
  'data-not-json':
    'There are data that are not JSON (data_base64, another content type, or broken JSON). Send JSON or nothing; nothing in it is kept.',
  'data-not-an-object': 'There are data that are JSON and not an object.',
  'foreign-source': 'The source is not one that is set for this provider (READMIT_PROVIDER_SOURCES).',
  'unknown-provider': 'The provider is not configured (READMIT_PROVIDERS).',
  'id-reused': 'The same source and id said something else before. The first stays; an id is never used again.',
} as const;
export type SignalRefusal = keyof typeof signalRefusals;
