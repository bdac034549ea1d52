import type { Draft, EventData, EventType } from '@readmit/contracts';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../../contracts/samples');

interface Sample {
  readonly key: string;
  readonly data: object;
}
const textOf = (type: EventType): string => readFileSync(path.join(folder, `${type}.v1.json`), 'utf8');
/** The golden sample of an event type. */
export const sampleOf = (type: EventType): Sample => JSON.parse(textOf(type)) as Sample;

/** The sample for another case, with some of its data changed. */
export function sampleFor<T extends EventType>(type: T, caseId: string, changed: Partial<EventData<T>> = {}): Draft {
  const { data } = JSON.parse(textOf(type).replaceAll(sampleOf(type).key, caseId)) as Sample;
  return { type, key: caseId, data: { ...data, ...changed } as EventData<T> } as Draft;
}
