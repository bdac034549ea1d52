/** Signals of identity providers: their types and topics, and the reasons for refusing one. */
import { Type } from 'typebox';
import type { EventData } from '../events/catalogue.js';
import { described, idPattern, oneOf } from '../events/values.js';

export type SignalKind = EventData<'readmit.signal.received'>['kind'];

/** Accepted CloudEvents types and their kind in `readmit.signal.received`. */
export const signalTypes = {
  'readmit.idp.account-locked': 'account-locked',
  'readmit.idp.credential-compromised': 'credential-compromised',
  'readmit.idp.session-revoked': 'session-revoked',
} as const satisfies Record<string, SignalKind>;
export type SignalType = keyof typeof signalTypes;
export const signalTypeNames = Object.keys(signalTypes) as SignalType[];
export const isSignalType = (text: string): text is SignalType => Object.hasOwn(signalTypes, text);

/** The topic identifies the provider: no other may write to it. */
export const providerOfSignalTopic = (topic: string): string | undefined => /^readmit\.signals\.([A-Za-z0-9-]{1,63})\.v1$/.exec(topic)?.[1];

/** Consumer group for signals. */
export const signalGroup = 'intake.signals';

export const signalLimits = {
  /** Of a record's value, or an HTTP body. */
  bytes: 256 * 1024,
  headers: 64,
  headerBytes: 16 * 1024,
  maxAgeDays: 35,
  /** How far a provider's clock may be ahead. */
  aheadSeconds: 300,
  subjectLength: 255,
} as const;

export const SignalEvent = described(
  Type.Object(
    {
      specversion: described(Type.Literal('1.0'), 'Version of CloudEvents.'),
      id: described(
        Type.String({ minLength: 1, maxLength: 256 }),
        'Unique within the source: repeating the same source and id has no effect.',
      ),
      source: described(
        Type.String({ minLength: 1, maxLength: 512, pattern: '^[\\x21-\\x7e]+$' }),
        "URI of the provider's realm or tenant; one that is configured for this provider.",
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
        'The person or account, by its id in the directory.',
      ),
      datacontenttype: Type.Optional(
        described(Type.String({ maxLength: 256 }), 'Media type of `data`, which must be JSON; absent means application/json.'),
      ),
      dataschema: Type.Optional(described(Type.String({ maxLength: 512 }), 'URI of the schema of `data`; ignored.')),
      data: Type.Optional(described(Type.Object({}), 'Any object; it is checked to be one and not stored.')),
    },
    { additionalProperties: Type.Union([Type.String(), Type.Integer(), Type.Boolean(), Type.Null()]) },
  ),
  'A signal as a CloudEvent in structured mode; extension attributes are allowed and not stored.',
);

/** A valid signal. */
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

/** Every reason for refusing a signal: what it means and what to do. The same over HTTP and Kafka, unless noted. */
export const signalRefusals = {
  undecodable:
    'Only over Kafka: a compressed batch that is corrupt, or has more than 8 MiB or 50,000 records. Send its signals again in smaller batches.',
  oversized:
    'Larger than 256 KiB, or more than 64 headers or 16 KiB of headers. Leave out everything that is not an attribute of the signal.',
  'media-type':
    'A content type of CloudEvents other than application/cloudevents+json (batches included), or no such content type and no ce attributes. Send one event per message.',
  'broken-utf8': 'An attribute or the JSON is not UTF-8. Encode it as UTF-8.',
  'json-too-deep': 'The JSON nests deeper than 32 levels.',
  'broken-json': 'Structured mode, and the bytes are not JSON.',
  'not-an-object': 'Structured mode, and the JSON is not an object.',
  'attribute-malformed':
    'An attribute has a name that is not lower-case letters and digits, or a value of the wrong type, or an attribute or a name in the JSON appears twice.',
  'attribute-missing': 'id, source, type, subject or time is missing or empty. All five are required here.',
  specversion: 'specversion is missing or not 1.0.',
  'unknown-type': 'The type is not one of readmit.idp.*. Map the event of your provider to one of them.',
  'subject-not-an-id':
    'The subject is not an id of at most 255 characters; the message tells what is wrong with it. Send the id of the account in the directory, not a name.',
  'time-malformed': 'The time is not an RFC 3339 instant with an offset.',
  'from-the-future': 'The time is more than five minutes in the future. Check the clock of the provider.',
  'too-old': 'The time is more than 35 days ago. An operator can re-drive it from the parked messages.',
  'data-not-json': 'The data is not JSON (data_base64, another content type, or broken JSON). Send JSON or nothing; it is not stored.',
  'data-not-an-object': 'The data is JSON, but not an object.',
  'foreign-source': 'The source is not configured for this provider (READMIT_PROVIDER_SOURCES).',
  'unknown-provider': 'The provider is not configured (READMIT_PROVIDERS).',
  'id-reused': 'The same source and id were used for another event. The first one stays; never reuse an id.',
} as const;
export type SignalRefusal = keyof typeof signalRefusals;
