/** Headers of records, as JSON schemas. */
import { contentType, signatureHeader, traceHeader } from './envelope/attributes.js';
import { batchPayloadType, maxLeaves } from './envelope/batch-signature.js';
import type { Json, JsonObject } from './json-schema.js';

const text = (description: string, more: JsonObject = {}): JsonObject => ({ type: 'string', description, ...more });

const eventHeaders: JsonObject = {
  type: 'object',
  description: 'CloudEvents 1.0 in binary mode over Kafka. Names and values are printable ASCII, at most 32 headers and 8192 bytes.',
  required: [
    'content-type',
    'ce_specversion',
    'ce_id',
    'ce_source',
    'ce_type',
    'ce_time',
    'ce_subject',
    'ce_version',
    'ce_correlationid',
    signatureHeader,
  ],
  properties: {
    'content-type': text('Media type of the value.', { const: contentType }),
    ce_specversion: text('Version of CloudEvents.', { const: '1.0' }),
    ce_id: text('UUIDv7, unique in the system. Events with the same id are the same event.'),
    ce_source: text('The producer: `readmit/<environment>/<service>`.', { pattern: '^readmit/[a-z0-9-]{1,63}/[a-z-]{1,63}$' }),
    ce_type: text('Type of the event.'),
    ce_time: text('When it happened, by the clock of the producer’s database: RFC 3339, UTC, milliseconds.'),
    ce_subject: text('The key of the record.'),
    ce_version: text('Version of the type’s schema. Do not process an unknown version: its schema differs.'),
    ce_correlationid: text('Groups related events: nearly always the case id.'),
    ce_causationid: text('Id of the event that led to this one.'),
    [traceHeader]: text('W3C trace context of the cause; not signed.'),
    [signatureHeader]: text(
      `Base64 of one binary: version 0x01 (1 byte) | key id (8, first bytes of the SHA-256 of the raw public key) | index (1) | size (1, 1 to ${maxLeaves}) | path (32 bytes each, leaf upwards, at most 5) | Ed25519 signature (64). The leaf is 0x00 followed by netstrings of "readmit-event-v1", environment, topic, key, number of ce_ headers, then name and value of each ce_ header in the order of names, then the bytes of the value; hashed with SHA-256 (RFC 6962). The signature is over the DSSE v1 pre-authentication encoding of type ${batchPayloadType} and netstring of the environment, netstring of the size, root. Vectors: libs/contracts/samples/signatures/batch-v1.json.`,
    ),
  },
};

export const headersOf = {
  components: { EventHeaders: eventHeaders },
  event: (type: string, version: number): Json => ({
    allOf: [
      { $ref: '#/components/schemas/EventHeaders' },
      { type: 'object', properties: { ce_type: { const: type }, ce_version: { const: String(version) } } },
    ],
  }),
  plainJson: {
    type: 'object',
    required: ['content-type'],
    properties: { 'content-type': text('Media type of the value.', { const: contentType }) },
  },
  structured: {
    type: 'object',
    required: ['content-type'],
    properties: {
      'content-type': text('Structured mode; parameters may follow.', {
        pattern: '^[aA][pP][pP][lL][iI][cC][aA][tT][iI][oO][nN]/[cC][lL][oO][uU][dD][eE][vV][eE][nN][tT][sS]\\+[jJ][sS][oO][nN]',
        examples: ['application/cloudevents+json; charset=UTF-8'],
      }),
    },
  },
  /** Each attribute of the structured form as a header. */
  binary(structured: Json | undefined): Json {
    const { properties, required } = structured as { readonly properties: JsonObject; readonly required: readonly string[] };
    const attributes = Object.entries(properties).filter(([name]) => name !== 'data' && name !== 'datacontenttype');
    return {
      type: 'object',
      required: required.map((name) => `ce_${name}`),
      properties: {
        'content-type': text('Media type of the value: JSON. Optional.', { examples: ['application/json'] }),
        ...Object.fromEntries(attributes.map(([name, schema]) => [`ce_${name}`, schema])),
      },
    };
  },
} as const;
