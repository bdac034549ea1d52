/** The AsyncAPI document against its specification (3.1.0, Kafka binding 0.5.0), the catalogue, the topology and the parser of signals. */
import { describe, expect, it } from '@jest/globals';
import specs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { asyncapi, type GoldenSample } from './asyncapi.js';
import { entryOf, eventTypes, topicOf } from './events/catalogue.js';
import { topicSpecs } from './events/topology.js';
import { descriptionOf } from './events/event-descriptions.js';
import { readSignal } from './signals/read-signal.js';

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
  readonly bindings: { readonly kafka: Readonly<Record<string, unknown>> };
}
interface Message {
  readonly summary: string;
  readonly headers: object;
  readonly payload: object;
  readonly examples?: readonly { readonly headers?: Record<string, string>; readonly payload: unknown }[];
}
interface Document {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>>; readonly messages: Readonly<Record<string, Message>> };
}
const house = path.resolve(import.meta.dirname, '../../..');
const samples = readdirSync(path.join(house, 'libs/contracts/samples'))
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(path.join(house, 'libs/contracts/samples', name), 'utf8')) as GoldenSample);
const document = JSON.parse(JSON.stringify(asyncapi(samples))) as Document;
const copy = (): Document => JSON.parse(JSON.stringify(document)) as Document;

// Without the meta schema of draft-07 inside: ajv has it already, and a second one with the same id is an error.
const specification = { ...(specs.schemas['3.1.0'] as Record<string, unknown>) };
delete specification['$schema'];
const isAsyncApi = new Ajv({ strict: false, meta: false, validateSchema: false, validateFormats: false, addUsedSchema: false }).compile(
  specification,
);

describe('the AsyncAPI document', () => {
  it('is AsyncAPI 3.1 with Kafka bindings 0.5; with an unknown property in a binding it is not (the control)', () => {
    expect(isAsyncApi(document) || isAsyncApi.errors).toBe(true);
    const wrong = copy();
    Object.assign(wrong.channels['intake']?.bindings.kafka ?? {}, { partition: 4 });
    expect(isAsyncApi(wrong)).toBe(false);
    const without = copy() as { info?: unknown };
    delete without.info;
    expect(isAsyncApi(without)).toBe(false);
  });

  it('has no dangling reference', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, target = '']) => target);
    expect(references.length).toBeGreaterThan(400);
    const leadsNowhere = references.filter(
      (target) =>
        target.split('/').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document) === undefined,
    );
    expect(leadsNowhere).toEqual([]);
  });

  it('R8.1 has every topic of the topology, with partitions and retention', () => {
    const topics = topicSpecs({ providers: ['{provider}'], siems: [], replication: 3, minInSync: 2 });
    expect(
      Object.values(document.channels)
        .map(({ address }) => address)
        .sort(),
    ).toEqual(topics.map(({ name }) => name).sort());
    for (const { address, bindings } of Object.values(document.channels)) {
      const topic = topics.find(({ name }) => name === address);
      expect(bindings.kafka).toMatchObject({
        partitions: topic?.partitions,
        topicConfiguration: { 'cleanup.policy': ['delete'], 'retention.ms': Number(topic?.config['retention.ms']) },
      });
    }
  });

  it.each(eventTypes)('R8.1 has %s on the topic of its producer, with its sample and description', (type) => {
    const channel = Object.values(document.channels).find(({ messages }) => messages[type]);
    expect(channel?.address).toBe(topicOf(entryOf(type).producer));
    const message = document.components.messages[type];
    expect(message?.examples).toHaveLength(1);
    expect(message?.summary).toBe(descriptionOf(type));
    expect(descriptionOf(type)).toMatch(/^[A-Z].{10,}\.$/);
  });

  it('has examples that are valid by its own schemas', () => {
    const ajv = new Ajv({ strict: false });
    ajv.addSchema({ $id: 'document', components: document.components });
    const fits = (name: string, part: 'payload' | 'headers', value: unknown): boolean =>
      ajv.compile({ $ref: `document#/components/messages/${name}/${part}` })(value);
    const examples = Object.entries(document.components.messages).flatMap(([name, { examples: all = [] }]) =>
      all.map((one) => ({ ...one, name })),
    );
    expect(examples.length).toBe(eventTypes.length + 2);
    expect(examples.filter(({ name, payload }) => !fits(name, 'payload', payload)).map(({ name }) => name)).toEqual([]);
    expect(examples.filter(({ name, headers }) => headers && !fits(name, 'headers', headers)).map(({ name }) => name)).toEqual([]);
    expect(fits('readmit.case.frozen', 'payload', { caseId: 'case_1' })).toBe(false);
  });

  it('R8.2 has examples of signals that are accepted', () => {
    const examples = Object.entries(document.components.messages).filter(([name]) => name.startsWith('signal.'));
    const kinds = examples.flatMap(([, { examples: all = [] }]) =>
      all.map(({ headers = {}, payload }) =>
        readSignal(
          { headers, bytes: new TextEncoder().encode(JSON.stringify(payload)) },
          { provider: 'acme', providers: new Map([['acme', []]]), binding: 'kafka', now: new Date('2026-11-22T10:00:00.000Z') },
        ),
      ),
    );
    expect(kinds).toEqual([
      { ok: true, signal: expect.objectContaining({ subject: 'ada' }) },
      { ok: true, signal: expect.objectContaining({ subject: 'ada' }) },
    ]);
  });

  it('R8.2 sends events of services and receives signals', () => {
    const actions = Object.values(document.operations).map(({ action, channel }) => `${action} ${channel.$ref.split('/').at(-1)}`);
    expect(actions.sort()).toEqual([
      'receive signals',
      'send approval',
      'send audit',
      'send classification',
      'send execution',
      'send intake',
      'send revocation-scheduler',
      'send siem',
    ]);
  });

  it('is the one that is checked in (otherwise run node tools/generate-asyncapi.mjs after a build)', () => {
    expect(JSON.parse(readFileSync(path.join(house, 'docs/generated/asyncapi.json'), 'utf8'))).toEqual(document);
  });
});
