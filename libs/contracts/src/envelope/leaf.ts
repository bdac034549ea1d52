/**
 * The part of an event that its signature covers, as the leaf of an RFC 6962 tree:
 *
 *   0x00 | netstrings of "readmit-event-v1", environment, topic, key, number of attributes, then name and value of each `ce_`
 *   header in the order of their names | value bytes
 *
 * A netstring is `<length>:<text>,`. Not covered: the signature itself, and the trace context, which a relay may change.
 */

export interface LeafRecord {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
}

const encoder = new TextEncoder();
const netstring = (text: string): string => `${text.length}:${text},`;

/** The text before the value. Every part MUST be printable ASCII (`readEnvelope` refuses others), so that lengths count bytes. */
export function leafText(environment: string, record: LeafRecord): string {
  const names: string[] = [];
  for (const name in record.headers) if (name.startsWith('ce_')) names.push(name);
  names.sort();
  let text = `16:readmit-event-v1,${netstring(environment)}${netstring(record.topic)}${netstring(record.key)}${netstring(String(names.length))}`;
  for (const name of names) text += netstring(name) + netstring(record.headers[name] ?? '');
  return text;
}

/** The most bytes that `writeLeaf` may need. */
export const leafSize = (text: string, record: LeafRecord): number => 1 + text.length * 3 + record.value.length;

/** Writes the leaf with its 0x00 to the start of `target` and returns its length, so that a caller can reuse a buffer. */
export function writeLeaf(target: Uint8Array, text: string, record: LeafRecord): number {
  target[0] = 0;
  const { written } = encoder.encodeInto(text, target.subarray(1));
  target.set(record.value, 1 + written);
  return 1 + written + record.value.length;
}
