/**
 * What a signature covers of one event, as the leaf of an RFC 6962 tree:
 *
 *   0x00 | netstrings of "readmit-event-v1", environment, topic, key, number of attributes, then name and value of each `ce_`
 *   header in the order of their names | value bytes
 *
 * A netstring is `<length>:<text>,`. Trace context and the signature are left out; a relay may change the former.
 */

export interface LeafRecord {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
}

const encoder = new TextEncoder();
const netstring = (text: string): string => `${text.length}:${text},`;

/** The text before the value. Every part MUST be printable ASCII (`readEnvelope` refuses others), else lengths would lie. */
export function leafText(environment: string, record: LeafRecord): string {
  const names: string[] = [];
  for (const name in record.headers) if (name.startsWith('ce_')) names.push(name);
  names.sort();
  let text = `16:readmit-event-v1,${netstring(environment)}${netstring(record.topic)}${netstring(record.key)}${netstring(String(names.length))}`;
  for (const name of names) text += netstring(name) + netstring(record.headers[name] ?? '');
  return text;
}

/** Bytes that `writeLeaf` needs at most. */
export const leafSize = (text: string, record: LeafRecord): number => 1 + text.length * 3 + record.value.length;

/** Writes the leaf with its 0x00 to the front of `target` and returns its length: a caller with a scratch buffer allocates nothing. */
export function writeLeaf(target: Uint8Array, text: string, record: LeafRecord): number {
  target[0] = 0;
  const { written } = encoder.encodeInto(text, target.subarray(1));
  target.set(record.value, 1 + written);
  return 1 + written + record.value.length;
}
