/**
 * The AsyncAPI 3.1 document of every topic, derived from the catalogue: what Readmit says (`send`) and what it takes (`receive`). Its
 * schemas are the very ones that the services check with, its examples the golden samples.
 */
import { auditOcsfTopic, entryOf, eventTypes, topicOf, type EventType } from './events/catalogue.js';
import { services, type ServiceName } from './events/entry.js';
import { providerPrincipal, servicePrincipal, signalTopicOf, siemPrincipal, topicSpecs } from './events/topology.js';
import * as values from './events/values.js';
import { whenSaid } from './events/when-said.js';
import { headersOf } from './asyncapi-headers.js';
import { schemaWriter, type Json, type JsonObject } from './json-schema.js';
import { SignalEvent, signalGroup } from './signals/signal.js';

/** Schemas that get a name of their own. */
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
        'Every topic of Readmit on Apache Kafka: what its services say, what identity providers write, what SIEMs read. Delivery is at least once; an event is the same event when its id is. Order holds per key, and no reader should rest on it.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      kafka: {
        host: '{bootstrap}',
        protocol: 'kafka-secure',
        description: 'Apache Kafka over TLS. Each principal has the rights of its role and no others.',
        variables: { bootstrap: { default: 'kafka.example.com:9092', description: 'A bootstrap broker, host:port.' } },
        security: [pointer('components', 'securitySchemes', 'scram')],
      },
    },
    channels: {
      ...Object.fromEntries(services.map((service) => [service, channelOf(service)])),
      signals: {
        address: signalTopicOf('{provider}'),
        title: 'Signals of one identity provider',
        description: `Written by \`${providerPrincipal('<provider>')}\` alone, read by intake. The name of the topic says who speaks; nothing in an event changes that. A signal opens nothing.`,
        parameters: {
          provider: { description: 'Name of the provider as READMIT_PROVIDERS has it: letters, digits and dashes.', examples: ['acme'] },
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
        description: `Every entry of the log as an OCSF 1.8.0 event, read by \`${siemPrincipal('<name>')}\`. Unsigned: it proves nothing, the log does. See docs/siem.md.`,
        messages: { entry: pointer('components', 'messages', 'ocsf') },
        bindings: topicBindings(auditOcsfTopic),
      },
    },
    operations: {
      ...Object.fromEntries(
        services.map((service) => [
          `${service}Says`,
          { action: 'send', channel: pointer('channels', service), summary: `What ${service} says; no other principal may write there.` },
        ]),
      ),
      auditShows: { action: 'send', channel: pointer('channels', 'siem'), summary: 'What audit shows to SIEMs.' },
      intakeTakesSignals: {
        action: 'receive',
        channel: pointer('channels', 'signals'),
        summary: 'Takes what identity providers report. What cannot be taken parks with its reason.',
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
          summary: 'One entry of the log.',
          headers: headersOf.plainJson,
          payload: { type: 'object', description: 'An OCSF 1.8.0 event; docs/siem.md has the classes and a table of what becomes what.' },
          bindings: { kafka: { key: { type: 'string', description: 'The key of the event that the entry is about.' }, bindingVersion } },
        },
      },
      messageTraits: {
        event: {
          contentType: 'application/json',
          correlationId: {
            location: '$message.header#/ce_correlationid',
            description: 'What belongs together: nearly always the case id.',
          },
          bindings: {
            kafka: {
              key: {
                type: 'string',
                description: 'The aggregate: nearly always the case id, else `subject:<id>`, `connector:<id>`, `policy`.',
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

/** As `readmit setup` makes it; of its settings those that the binding knows. */
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
    title: `What ${service} says`,
    description: `Written by \`${servicePrincipal(service)}\` alone. CloudEvents 1.0 in binary mode, each event signed.`,
    messages: Object.fromEntries(typesOf(service).map((type) => [type, pointer('components', 'messages', type)])),
    bindings: topicBindings(topicOf(service)),
  };
}

function messageOf(type: EventType, samples: readonly GoldenSample[]): JsonObject {
  const entry = entryOf(type);
  return {
    name: type,
    title: entry.label,
    summary: whenSaid(type),
    traits: [pointer('components', 'messageTraits', 'event')],
    headers: headersOf.event(type, entry.version),
    payload: reference(entry.schema),
    // The data alone: an example of headers would need a signature, and would be wrong with a made-up one.
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
const signalKey = { kafka: { key: { type: 'string', description: 'Any, or none: it is not looked at.' }, bindingVersion } };
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
    payload: { type: 'object', description: 'Anything that helps the provider itself; its form is looked at and nothing of it is kept.' },
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
