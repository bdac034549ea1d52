/**
 * The AsyncAPI 3.1 document of all topics, derived from the catalogue: what Readmit emits (`send`) and accepts (`receive`). Its schemas are
 * those that the services validate with, its examples are the golden samples.
 */
import { auditOcsfTopic, entryOf, eventTypes, topicOf, type EventType } from './events/catalogue.js';
import { services, type ServiceName } from './events/entry.js';
import { providerPrincipal, servicePrincipal, signalTopicOf, siemPrincipal, topicSpecs } from './events/topology.js';
import * as values from './events/values.js';
import { descriptionOf } from './events/event-descriptions.js';
import { headersOf } from './asyncapi-headers.js';
import { schemaWriter, type Json, type JsonObject } from './json-schema.js';
import { SignalEvent, signalGroup } from './signals/signal.js';

/** Schemas that are referenced by name. */
const named = {
  Ask: values.Ask,
  Ceiling: values.Ceiling,
  Consumer: values.Consumer,
  Decision: values.Decision,
  Digest: values.Digest,
  EvidenceNeed: values.EvidenceNeed,
  EvidenceRef: values.EvidenceRef,
  Facet: values.Facet,
  Id: values.Id,
  Instant: values.Instant,
  Person: values.Person,
  PersonKey: values.PersonKey,
  Plan: values.Plan,
  PolicyRef: values.PolicyRef,
  Proof: values.Proof,
  QuorumPart: values.QuorumPart,
  RecipientKey: values.RecipientKey,
  Requester: values.Requester,
  Requirements: values.Requirements,
  SealingKey: values.SealingKey,
  Seconds: values.Seconds,
  SignalEvent,
  SigningKey: values.SigningKey,
  Statement: values.Statement,
  Step: values.Step,
  Subject: values.Subject,
  Text: values.Text,
  Undo: values.Undo,
  Undone: values.Undone,
} as const;
const { reference, components } = schemaWriter(named);

export interface GoldenSample {
  readonly type: string;
  readonly key: string;
  readonly data: unknown;
}
const bindingVersion = '0.5.0';
const pointer = (...path: readonly string[]): JsonObject => ({ $ref: `#/${path.join('/')}` });
const typesOf = (service: ServiceName): readonly EventType[] => eventTypes.filter((type) => entryOf(type).producer === service);

/** The document as plain JSON. The same catalogue and samples give the same document, byte for byte. */
export function asyncapi(samples: readonly GoldenSample[]): object {
  return {
    asyncapi: '3.1.0',
    id: 'urn:readmit:topics',
    info: {
      title: 'Readmit',
      version: '1',
      description:
        'All topics of Readmit on Apache Kafka: events of its services, signals of identity providers, records for SIEMs. Delivery is at least once: events with the same id are the same event. Events with the same key are usually in order; do not rely on it.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      kafka: {
        host: '{bootstrap}',
        protocol: 'kafka-secure',
        description: 'Apache Kafka over TLS. Each principal has only the rights of its role.',
        variables: { bootstrap: { default: 'kafka.example.com:9092', description: 'A bootstrap broker, host:port.' } },
        security: [pointer('components', 'securitySchemes', 'scram')],
      },
    },
    channels: {
      ...Object.fromEntries(services.map((service) => [service, channelOf(service)])),
      signals: {
        address: signalTopicOf('{provider}'),
        title: 'Signals of one identity provider',
        description: `Written only by \`${providerPrincipal('<provider>')}\`, read by intake. The topic identifies the provider; nothing in an event changes that. A signal opens no case.`,
        parameters: {
          provider: { description: 'Name of the provider as in READMIT_PROVIDERS: letters, digits and dashes.', examples: ['acme'] },
        },
        messages: {
          structured: pointer('components', 'messages', 'signal.structured'),
          binary: pointer('components', 'messages', 'signal.binary'),
        },
        bindings: topicBindings(signalTopicOf('provider')),
      },
      siem: {
        address: auditOcsfTopic,
        title: 'The log for SIEMs',
        description: `Every entry of the audit log as an OCSF 1.8.0 event, read by \`${siemPrincipal('<name>')}\`. Unsigned: the log is the proof, not this topic. See docs/siem.md.`,
        messages: { entry: pointer('components', 'messages', 'ocsf') },
        bindings: topicBindings(auditOcsfTopic),
      },
    },
    operations: {
      ...Object.fromEntries(
        services.map((service) => [
          `${service}Says`,
          {
            action: 'send',
            channel: pointer('channels', service),
            summary: `Events of ${service}; no other principal may write to this topic.`,
          },
        ]),
      ),
      auditShows: { action: 'send', channel: pointer('channels', 'siem'), summary: 'Records of audit for SIEMs.' },
      intakeTakesSignals: {
        action: 'receive',
        channel: pointer('channels', 'signals'),
        summary: 'Accepts signals of identity providers. A signal that cannot be accepted is parked with its reason.',
        bindings: { kafka: { groupId: { type: 'string', enum: [signalGroup] }, bindingVersion } },
      },
    },
    components: {
      schemas: { ...components, ...headersOf.components },
      messages: {
        ...Object.fromEntries(eventTypes.map((type) => [type, messageOf(type, samples)])),
        ...signalMessages,
        ocsf: {
          name: 'ocsf',
          title: 'OCSF event',
          summary: 'One entry of the audit log.',
          headers: headersOf.plainJson,
          payload: {
            type: 'object',
            description: 'An OCSF 1.8.0 event; docs/siem.md lists the classes and how events are mapped to them.',
          },
          bindings: { kafka: { key: { type: 'string', description: 'The key of the event that the entry is about.' }, bindingVersion } },
        },
      },
      messageTraits: {
        event: {
          contentType: 'application/json',
          correlationId: {
            location: '$message.header#/ce_correlationid',
            description: 'Groups related events: nearly always the case id.',
          },
          bindings: {
            kafka: {
              key: {
                type: 'string',
                description: 'The aggregate: nearly always the case id, otherwise `subject:<id>`, `connector:<id>` or `policy`.',
              },
              bindingVersion,
            },
          },
        },
      },
      securitySchemes: {
        scram: { type: 'scramSha512', description: 'SASL SCRAM-SHA-512 over TLS; one user for each service, provider and reader.' },
      },
    },
  };
}

/** As `readmit setup` creates the topic, limited to the settings that the binding knows. */
function topicBindings(topic: string): JsonObject {
  const spec = topicSpecs({ providers: ['provider'], siems: [], replication: 3, minInSync: 2 }).find(({ name }) => name === topic);
  if (!spec) throw new Error(`this is a bug: no topic ${topic}`);
  const { config, partitions, replication } = spec;
  const topicConfiguration = {
    'cleanup.policy': [config['cleanup.policy'] ?? ''],
    'retention.ms': Number(config['retention.ms']),
    'retention.bytes': Number(config['retention.bytes']),
  };
  return { kafka: { partitions, replicas: replication, topicConfiguration, bindingVersion } };
}

function channelOf(service: ServiceName): JsonObject {
  return {
    address: topicOf(service),
    title: `Events of ${service}`,
    description: `Written only by \`${servicePrincipal(service)}\`. CloudEvents 1.0 in binary mode; each event is signed.`,
    messages: Object.fromEntries(typesOf(service).map((type) => [type, pointer('components', 'messages', type)])),
    bindings: topicBindings(topicOf(service)),
  };
}

function messageOf(type: EventType, samples: readonly GoldenSample[]): JsonObject {
  const entry = entryOf(type);
  return {
    name: type,
    title: entry.label,
    summary: descriptionOf(type),
    traits: [pointer('components', 'messageTraits', 'event')],
    headers: headersOf.event(type, entry.version),
    payload: reference(entry.schema),
    // Only the data: example headers would need a signature, and a made-up one would be wrong.
    examples: samples.filter((sample) => sample.type === type).map(({ data, key }) => ({ name: key, payload: data as Json })),
    'x-readmit-code': entry.code,
    'x-readmit-version': entry.version,
    'x-readmit-fields': entry.fields,
    ...(entry.gate ? { 'x-readmit-gate': true } : {}),
  };
}

const signalExample = {
  specversion: '1.0',
  id: 'lockout-1',
  source: 'https://sso.example.com/realms/acme',
  type: 'readmit.idp.account-locked',
  subject: 'ada',
  time: '2026-11-22T10:00:00.000Z',
};
const signalKey = { kafka: { key: { type: 'string', description: 'Any or none; ignored.' }, bindingVersion } };
const signalMessages: JsonObject = {
  'signal.structured': {
    name: 'signal.structured',
    title: 'signal, structured mode',
    summary: 'The whole event as JSON.',
    contentType: 'application/cloudevents+json',
    headers: headersOf.structured,
    payload: reference(SignalEvent),
    bindings: signalKey,
    examples: [
      {
        name: 'lockout',
        headers: { 'content-type': 'application/cloudevents+json' },
        payload: { ...signalExample, data: { reason: 'bad-tries' } },
      },
    ],
  },
  'signal.binary': {
    name: 'signal.binary',
    title: 'signal, binary mode',
    summary: 'The attributes as headers; the value is the data, or empty.',
    contentType: 'application/json',
    headers: headersOf.binary(components['SignalEvent']),
    payload: { type: 'object', description: 'Any JSON object; it is checked to be one and not stored.' },
    bindings: signalKey,
    examples: [
      {
        name: 'lockout',
        headers: Object.fromEntries(Object.entries(signalExample).map(([name, value]) => [`ce_${name}`, value])),
        payload: { reason: 'bad-tries' },
      },
    ],
  },
};
