/**
 * Parsing messages of identity providers: both modes of CloudEvents over both bindings give the same signal, and every bad input is refused
 * with one reason. Each bad input is the good one (the control) with one change.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { betweenValues, type EventBinding, type EventMessage } from './cloud-event.js';
import { signalTopicOf } from '../events/topology.js';
import { readSignal, type ReadOptions } from './read-signal.js';
import { providerOfSignalTopic, signalLimits, signalRefusals, signalTypes, type SignalRefusal } from './signal.js';

const now = new Date('2026-11-22T09:00:00.000Z');
const source = 'https://sso.example.com/realms/acme';
const options = (more: Partial<ReadOptions> = {}): ReadOptions => ({
  provider: 'acme',
  providers: new Map([['acme', [source]]]),
  binding: 'kafka',
  now,
  ...more,
});
const event = {
  specversion: '1.0',
  id: 'lockout-1',
  source,
  type: 'readmit.idp.account-locked',
  subject: 'ada',
  time: '2026-11-22T08:59:58.000Z',
};
const signal = {
  provider: 'acme',
  source,
  id: 'lockout-1',
  kind: 'account-locked',
  subject: 'ada',
  occurredAt: '2026-11-22T08:59:58.000Z',
};
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

/** `undefined` removes the attribute. */
type Changes = Readonly<Record<string, unknown>>;
const structured = (changes: Changes = {}, contentType = 'application/cloudevents+json; charset=UTF-8'): EventMessage => ({
  headers: { 'content-type': contentType },
  bytes: bytes({ ...event, data: { reason: 'bad-tries' }, ...changes }),
});
const binary = (changes: Changes = {}, data: unknown = { reason: 'bad-tries' }, binding: EventBinding = 'kafka'): EventMessage => {
  const { contentType = 'application/json', ...attributes } = { ...event, ...changes } as Record<string, unknown>;
  const prefix = binding === 'kafka' ? 'ce_' : 'ce-';
  const entries = Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[prefix + name, String(value)]]));
  return {
    headers: { ...Object.fromEntries(entries), ...(contentType === null ? {} : { 'content-type': String(contentType) }) },
    bytes: data === undefined ? new Uint8Array() : bytes(data),
  };
};
const verdict = (message: EventMessage, more: Partial<ReadOptions> = {}) => {
  const read = readSignal(message, options(more));
  return read.ok ? read.signal : read.reason;
};
const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe('a signal', () => {
  it('R8.2 is the same in structured and in binary mode, over Kafka and over HTTP (the control of this file)', () => {
    expect(verdict(structured())).toEqual(signal);
    expect(verdict(binary())).toEqual(signal);
    expect(verdict(structured(), { binding: 'http' })).toEqual(signal);
    expect(verdict(binary({}, {}, 'http'), { binding: 'http' })).toEqual(signal);
  });

  it.each(Object.entries(signalTypes))('R8.2 of type %s is recorded as %s', (type, kind) => {
    expect(verdict(structured({ type }))).toMatchObject({ kind });
    expect(verdict(binary({ type }))).toMatchObject({ kind });
  });

  it.each([
    ['an offset', { time: '2026-11-22T10:59:58+02:00' }, {}],
    ['microseconds', { time: '2026-11-22T08:59:58.000999Z' }, {}],
    ['lower-case letters in the time', { time: '2026-11-22t08:59:58z' }, {}],
    ['extension attributes', { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01', sequence: '7' }, {}],
    ['a source below the configured one', { source: `${source}/users` }, { source: `${source}/users` }],
    ['the longest subject', { subject: 'a'.repeat(120) }, { subject: 'a'.repeat(120) }],
    ['an id that is not a Readmit id', { id: 'ñ=+ 1' }, { id: 'ñ=+ 1' }],
  ])('R8.2 is accepted with %s', (_what, changes, differs) => {
    expect(verdict(structured(changes))).toEqual({ ...signal, ...differs });
    expect(verdict(binary(changes))).toEqual({ ...signal, ...differs });
  });

  it('R8.2 is accepted without data, with data of any JSON media type, and with attributes that are null', () => {
    expect(verdict(structured({ data: undefined }))).toEqual(signal);
    expect(verdict(structured({ data: null, dataschema: null }))).toEqual(signal);
    expect(verdict(binary({}, undefined))).toEqual(signal);
    expect(verdict(binary({ contentType: 'application/vnd.acme.lockout+json; charset=utf-8' }))).toEqual(signal);
    expect(verdict(binary({ contentType: null }))).toEqual(signal);
    for (const contentType of ['text/json', 'application/json\t;charset=utf-8', 'image/svg+json'])
      expect(verdict(binary({ contentType }))).toEqual(signal);
    expect(verdict(structured({ datacontenttype: 'text/json' }))).toEqual(signal);
    expect(verdict(structured({}, 'application/cloudevents+json\t; charset=utf-8'))).toEqual(signal);
  });

  it('R8.2 over HTTP has percent-encoded attributes, optionally in quotes', () => {
    const id = (value: string) => verdict(binary({ id: value }, {}, 'http'), { binding: 'http' });
    expect(id('%C3%B1%3D 1')).toMatchObject({ id: 'ñ= 1' });
    expect(id('"a \\"b\\""')).toMatchObject({ id: 'a "b"' });
  });

  it('R8.3 has its provider from the topic: no attribute changes it', () => {
    expect(verdict(structured({ provider: 'mallory' }))).toMatchObject({ provider: 'acme' });
    expect(providerOfSignalTopic(signalTopicOf('acme'))).toBe('acme');
    expect(
      ['readmit.intake.v1', 'readmit.signals..v1', 'readmit.signals.a.b.v1', 'x.readmit.signals.acme.v1'].map(providerOfSignalTopic),
    ).toEqual([undefined, undefined, undefined, undefined]);
  });
});

const day = 86_400_000;
const at = (milliseconds: number): string => new Date(now.getTime() + milliseconds).toISOString();

describe('R8.3 a bad attribute is refused with its reason, the same in both modes', () => {
  const bad: [SignalRefusal, string, Changes, Changes?][] = [
    ['specversion', 'an older version', { specversion: '0.3' }],
    ['specversion', 'a newer version', { specversion: '1.1' }],
    ['specversion', 'no version', { specversion: undefined }],
    ['attribute-missing', 'no id', { id: undefined }],
    ['attribute-missing', 'an empty id', { id: '' }],
    ['attribute-missing', 'no source', { source: undefined }],
    ['attribute-missing', 'no type', { type: undefined }],
    ['attribute-missing', 'no subject', { subject: undefined }],
    ['attribute-missing', 'no time', { time: undefined }],
    ['attribute-malformed', 'an id of 257 characters', { id: 'a'.repeat(257) }, { id: 'a'.repeat(256) }],
    ['attribute-malformed', 'control characters in the id', { id: 'a\u0000b' }],
    ['attribute-malformed', 'a source with spaces', { source: 'https://sso.example.com/ realms' }],
    ['attribute-malformed', 'an extension in upper case', { Sequence: '7' }, { sequence: '7' }],
    ['attribute-malformed', 'an extension with a dash', { 'trace-id': '7' }],
    ['attribute-malformed', 'an extension of 1025 characters', { note: 'a'.repeat(1025) }, { note: 'a'.repeat(1024) }],
    ['broken-utf8', 'an id with a replacement character', { id: 'a\ufffdb' }],
    ['unknown-type', 'the type of another vendor', { type: 'com.okta.user.account.lock' }],
    ['unknown-type', 'a Readmit type that no provider may send', { type: 'readmit.approval.granted' }],
    ['unknown-type', 'a name that every object has', { type: 'constructor' }],
    ['subject-not-an-id', 'an address in angle brackets', { subject: 'Ada <ada@example.com>' }, { subject: 'ada@example.com' }],
    ['subject-not-an-id', 'a subject of 256 characters', { subject: 'a'.repeat(256) }, { subject: 'a'.repeat(255) }],
    ['time-malformed', 'a local time', { time: '2026-11-22T08:59:58' }],
    ['time-malformed', 'a day that does not exist', { time: '2026-10-32T08:59:58Z' }],
    ['time-malformed', 'the 30th of February', { time: '2026-02-30T08:59:58Z' }],
    ['time-malformed', 'an hour 24', { time: '2026-11-21T24:00:00Z' }, { time: '2026-11-21T23:59:59Z' }],
    ['time-malformed', 'seconds since 1970', { time: '1795337998' }],
    ['from-the-future', 'a time 301 s ahead', { time: at(301_000) }, { time: at(300_000) }],
    ['too-old', 'a time 35 days and a second ago', { time: at(-35 * day - 1_000) }, { time: at(-35 * day) }],
    ['foreign-source', 'the source of another provider', { source: 'https://acme.okta.example' }],
    ['foreign-source', 'a source with the configured one as a mere prefix', { source: `${source}-evil` }],
  ];
  it.each(bad)('%s: %s', (reason, _what, changes, control = undefined) => {
    expect(verdict(structured(changes))).toBe(reason);
    expect(verdict(binary(changes))).toBe(reason);
    if (control) expect(verdict(structured(control))).toMatchObject({ provider: 'acme' });
    if (control) expect(verdict(binary(control))).toMatchObject({ provider: 'acme' });
  });
});

describe('R8.3 a bad message is refused with its reason', () => {
  const large = (size: number): EventMessage =>
    structured({ data: { filling: 'a'.repeat(size - bytes({ ...event, data: { filling: '' } }).length) } });
  const headers = (count: number): EventMessage => ({
    ...structured(),
    headers: { ...structured().headers, ...Object.fromEntries(Array.from({ length: count - 1 }, (_, n) => [`x-${n}`, '1'])) },
  });
  const twice = (name: string, value: string): EventMessage => {
    const { headers, bytes: data } = binary();
    return { headers: { ...headers, [name]: `${headers[name] ?? ''}${betweenValues}${value}` }, bytes: data };
  };
  const bad: [SignalRefusal, string, EventMessage, EventMessage?][] = [
    ['oversized', 'a byte too many', large(signalLimits.bytes + 1), large(signalLimits.bytes)],
    ['oversized', '65 headers', headers(65), headers(64)],
    ['oversized', '16 KiB of headers', { ...structured(), headers: { ...structured().headers, x: 'a'.repeat(16_384) } }],
    ['media-type', 'a batch of events', structured({}, 'application/cloudevents-batch+json')],
    ['media-type', 'events in Avro', structured({}, 'application/cloudevents+avro')],
    ['media-type', 'JSON that is no event', { headers: { 'content-type': 'application/json' }, bytes: bytes(event) }],
    ['media-type', 'nothing at all', { headers: {}, bytes: new Uint8Array() }],
    ['broken-utf8', 'half a character in structured mode', { ...structured(), bytes: new Uint8Array([0x7b, 0x22, 0xc3, 0x22, 0x7d]) }],
    ['broken-utf8', 'half a character in the data', { ...binary(), bytes: new Uint8Array([0x22, 0xc3, 0x22]) }],
    ['broken-utf8', 'half of a surrogate pair', structured({ id: 'a\ud800' })],
    ['json-too-deep', '33 levels', { ...structured(), bytes: bytes(nested(33)) }],
    ['json-too-deep', '33 levels in the data', binary({}, nested(33))],
    ['broken-json', 'text that is not JSON', { ...structured(), bytes: bytes('{"specversion":') }],
    ['broken-json', 'no bytes in structured mode', { ...structured(), bytes: new Uint8Array() }],
    ['not-an-object', 'a list', { ...structured(), bytes: bytes([event]) }],
    ['not-an-object', 'null', { ...structured(), bytes: bytes('null') }],
    [
      'attribute-malformed',
      'a subject that stands twice',
      { ...structured(), bytes: bytes(JSON.stringify(event).replace('{', '{"subject":"mallory",')) },
      { ...structured(), bytes: bytes(JSON.stringify(event).replace('{', '{"subjects":"mallory",')) },
    ],
    ['attribute-malformed', 'a duplicate name in the data', binary({}, '{"a":[{"b":1,"b":1}]}'), binary({}, '{"a":[{"b":1},{"b":1}]}')],
    ['attribute-malformed', 'a header that came twice', twice('ce_subject', 'mallory'), binary()],
    ['attribute-malformed', 'a header that came twice with one value', twice('ce_subject', event.subject), binary()],
    ['attribute-malformed', 'two content types', twice('content-type', 'application/cloudevents+json'), binary()],
    ['attribute-malformed', 'an id that is a number', structured({ id: 7 }), structured({ sequence: 7 })],
    ['attribute-malformed', 'an extension that is an object', structured({ sequence: {} })],
    ['attribute-malformed', 'an extension that is a fraction', structured({ sequence: 0.5 })],
    ['data-not-json', 'data in base64', structured({ data: undefined, data_base64: 'e30=' })],
    [
      'data-not-json',
      'data of another type',
      structured({ datacontenttype: 'text/plain' }),
      structured({ datacontenttype: 'application/json' }),
    ],
    ['data-not-json', 'bytes of another type', binary({ contentType: 'text/plain' })],
    ['data-not-json', 'bytes that are not JSON', binary({}, '<lockout/>')],
    ['data-not-an-object', 'data that are a list', structured({ data: [1] })],
    ['data-not-an-object', 'data that are a text', binary({}, '"locked"')],
    ['data-not-an-object', 'data that are null in binary mode', binary({}, 'null')],
  ];
  it.each(bad)('%s: %s', (reason, _what, message, control = undefined) => {
    expect(verdict(message)).toBe(reason);
    if (control) expect(verdict(control)).toMatchObject({ provider: 'acme' });
  });

  it('attribute-malformed: a header over HTTP that is not percent-encoded UTF-8', () => {
    const id = (value: string) => verdict(binary({ id: value }, {}, 'http'), { binding: 'http' });
    expect([id('%C3'), id('%zz'), id('ñ')]).toEqual(['attribute-malformed', 'attribute-malformed', 'attribute-malformed']);
  });
  it('unknown-provider: not configured; once it is, the same message is accepted', () => {
    expect(verdict(structured(), { provider: 'okta' })).toBe('unknown-provider');
    expect(verdict(structured(), { provider: 'okta', providers: new Map([['okta', []]]) })).toMatchObject({ provider: 'okta' });
  });
  it('too-old and from-the-future no longer apply when an operator re-drives it', () => {
    expect(verdict(structured({ time: at(-100 * day) }), { replayed: true })).toMatchObject({ kind: 'account-locked' });
    expect(verdict(structured({ time: at(day) }), { replayed: true })).toMatchObject({ kind: 'account-locked' });
  });
  it('R8.3 every reason is tested here, except those that need two signals or a batch', () => {
    const asked = new Set<string>(['unknown-provider', ...bad.map(([reason]) => reason)]);
    const attributes = [
      'specversion',
      'attribute-missing',
      'unknown-type',
      'subject-not-an-id',
      'time-malformed',
      'from-the-future',
      'too-old',
      'foreign-source',
    ];
    for (const name of attributes) asked.add(name);
    expect(Object.keys(signalRefusals).filter((name) => !asked.has(name))).toEqual(['undecodable', 'id-reused']);
  });
});

describe('R8.3 any input', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...Object.values(event), 'application/json', 'application/cloudevents+json'),
  );
  const name = fc.oneof(fc.string(), fc.constantFrom('content-type', ...Object.keys(event).flatMap((one) => [`ce_${one}`, `ce-${one}`])));
  const message = fc.record({ headers: fc.dictionary(name, text), bytes: fc.oneof(fc.uint8Array(), fc.json().map(bytes)) });
  it('gives a signal or a refusal whose message has nothing of the event, and never throws', () => {
    fc.assert(
      fc.property(message, fc.constantFrom<EventBinding>('kafka', 'http'), (one, binding) => {
        const read = readSignal(one, options({ binding }));
        if (read.ok) return;
        expect(Object.keys(signalRefusals)).toContain(read.reason);
        expect(read.message).toMatch(/^[\x20-\x7e]{1,200}$/);
      }),
      { numRuns: 1000 },
    );
  });
});
