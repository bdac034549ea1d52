/** Records for SIEMs, made from the golden samples of the catalogue. */
import * as contracts from '@readmit/contracts';
import { entryOf, product, topicOf, type EventData, type EventType, type Fact } from '@readmit/contracts';
import { sampleOf } from '@readmit/testing';
import { createHash } from 'node:crypto';
import { leafOf } from '../src/audit-log/leaf.js';
import type { OcsfEvent } from '../src/audit-log/ocsf/event.js';
import { ocsfOf } from '../src/audit-log/ocsf/project.js';
import type { KnownCase } from '../src/audit-log/ocsf/whose.js';

export const at = '2026-11-22T09:30:00.123Z';
export const eventId = '0190a3f2-6b1e-7c44-9d1a-000000000009';
export const signedBytes = 'signed';

/** As on the topic. `known`: what earlier entries of the case have. */
export function textOf(type: EventType, data: object = sampleOf(type).data, id = eventId, index = 41, known: KnownCase = {}): string {
  const fact = { id, type, at, data } as Fact;
  const { producer } = entryOf(type);
  const tools = { contracts, sha256: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest() };
  const { key } = sampleOf(type);
  const leaf = leafOf(index, { fact, topic: topicOf(producer), key, signedBytes: Buffer.from(signedBytes) }, tools);
  const services = { product, environment: 'test', origin: 'readmit.example/log/test' };
  return JSON.stringify(ocsfOf({ leaf, fact, producer, known }, services));
}
export const record = (type: EventType, data?: object, known: KnownCase = {}): OcsfEvent =>
  JSON.parse(textOf(type, data, eventId, 41, known)) as OcsfEvent;
/** The sample's record with some of its data changed. */
export const changed = <T extends EventType>(type: T, data: Partial<EventData<T>>, known: KnownCase = {}): OcsfEvent =>
  record(type, { ...sampleOf(type).data, ...data }, known);
