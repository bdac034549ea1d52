/**
 * Parses CloudEvents 1.0 in binary or structured mode, from Kafka or HTTP. Total: every input gives an event or one refusal with a reason,
 * and nothing is filled in for what is missing. Refusals have no values of the event, because they appear in logs and on topics.
 */
import { maxDepth, nestsTooDeep } from '../json-depth.js';
import { repeatsName } from '../json-names.js';
import { signalLimits, type SignalRefusal } from './signal.js';

/** Separates the values of a header that appears more than once. No value may contain it, so that such a header is always refused. */
export const betweenValues = '\n';

/** A message as received. Header names of HTTP are in lower case; a header that appears more than once has all values, joined by `betweenValues`. */
export interface EventMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}
export type EventBinding = 'kafka' | 'http';

export interface CloudEvent {
  /** All attributes but data, with extensions. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Absent when the event has none. */
  readonly data?: { readonly value: unknown };
}
export interface RefusedEvent {
  readonly ok: false;
  readonly reason: SignalRefusal;
  /** What and where, without a value of the event. */
  readonly message: string;
}
export const refuse = (reason: SignalRefusal, message: string): RefusedEvent => ({ ok: false, reason, message });
export const isRefused = (read: object): read is RefusedEvent => 'ok' in read && read.ok === false;

const attributeName = /^[a-z0-9]{1,64}$/;
/** JSON format of CloudEvents, 3.1: a subtype `json`, or one that ends in `+json`, of any type. Spaces and tabs may precede a parameter. */
const json = /^[a-z0-9!#$&^_.+-]+\/(?:[a-z0-9!#$&^_.+-]+\+)?json[ \t]*(?:;.*)?$/i;
const prefixes: Readonly<Record<EventBinding, string>> = { kafka: 'ce_', http: 'ce-' };
const maxValueLength = 1024;

export function readCloudEvent(binding: EventBinding, message: EventMessage): CloudEvent | RefusedEvent {
  const { headers, bytes } = message;
  const oversized = tooLarge(message);
  if (oversized !== undefined) return refuse('oversized', oversized);
  for (const [name, value] of Object.entries(headers))
    if ((name === 'content-type' || name.startsWith(prefixes[binding])) && value.includes(betweenValues))
      return refuse('attribute-malformed', `${shown(name)} appears more than once, or its header has a line feed`);
  const type = headers['content-type']?.trim() ?? '';
  if (/^application\/cloudevents\+json[ \t]*(?:;.*)?$/i.test(type)) return structured(bytes);
  if (/^application\/cloudevents/i.test(type))
    return refuse('media-type', 'the only accepted format of CloudEvents is application/cloudevents+json, one event per message');
  return binary(binding, headers, bytes);
}

function tooLarge({ headers, bytes }: EventMessage): string | undefined {
  if (bytes.length > signalLimits.bytes) return `${bytes.length} bytes, at most ${signalLimits.bytes} are allowed`;
  const entries = Object.entries(headers);
  if (entries.length > signalLimits.headers) return `${entries.length} headers, at most ${signalLimits.headers} are allowed`;
  const size = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return size > signalLimits.headerBytes ? `headers are larger than ${signalLimits.headerBytes} bytes` : undefined;
}

function structured(bytes: Uint8Array): CloudEvent | RefusedEvent {
  const parsed = parse(bytes);
  if (isRefused(parsed)) return parsed;
  const { value } = parsed;
  if (!isObject(value)) return refuse('not-an-object', 'the JSON is not an object');
  const attributes = new Map<string, string>();
  for (const [name, content] of Object.entries(value)) {
    // In the JSON format of CloudEvents, null means that an attribute is absent.
    if (name === 'data' || name === 'data_base64' || content === null) continue;
    const required = name === 'specversion' || names.includes(name);
    if (typeof content === 'string') attributes.set(name, content);
    else if (!required && (typeof content === 'boolean' || Number.isInteger(content))) attributes.set(name, String(content));
    else return refuse('attribute-malformed', `${shown(name)} is not a string${required ? '' : ', an integer or a boolean'}`);
  }
  const wrong = wrongAttribute(attributes);
  if (wrong) return wrong;
  if (Object.hasOwn(value, 'data_base64') && value['data_base64'] !== null)
    return refuse('data-not-json', 'the event has data_base64; only JSON is accepted, in the field data');
  if (!Object.hasOwn(value, 'data') || value['data'] === null) return { attributes };
  const contentType = attributes.get('datacontenttype');
  if (contentType !== undefined && !json.test(contentType)) return refuse('data-not-json', 'datacontenttype is not a JSON media type');
  return { attributes, data: { value: value['data'] } };
}

function binary(binding: EventBinding, headers: EventMessage['headers'], bytes: Uint8Array): CloudEvent | RefusedEvent {
  const prefix = prefixes[binding];
  const attributes = new Map<string, string>();
  for (const [header, raw] of Object.entries(headers)) {
    if (!header.startsWith(prefix)) continue;
    const name = header.slice(prefix.length);
    const value = binding === 'http' ? percentDecoded(raw) : raw;
    if (value === undefined) return refuse('attribute-malformed', `the header of ${shown(name)} is not percent-encoded UTF-8`);
    attributes.set(name, value);
  }
  if (attributes.size === 0)
    return refuse('media-type', `neither headers ${prefix}<attribute> nor the content type application/cloudevents+json`);
  const wrong = wrongAttribute(attributes);
  if (wrong) return wrong;
  if (bytes.length === 0) return { attributes };
  const contentType = headers['content-type'];
  if (contentType !== undefined && !json.test(contentType.trim()))
    return refuse('data-not-json', 'the content type is not a JSON media type');
  const parsed = parse(bytes);
  if (!isRefused(parsed)) return { attributes, data: parsed };
  return parsed.reason === 'broken-json' ? refuse('data-not-json', 'the data is not JSON') : parsed;
}

function wrongAttribute(attributes: ReadonlyMap<string, string>): RefusedEvent | undefined {
  for (const [name, value] of attributes) {
    if (!attributeName.test(name))
      return refuse('attribute-malformed', `${shown(name)} is not the name of an attribute: lower-case letters and digits, at most 64`);
    if (value.length > maxValueLength) return refuse('attribute-malformed', `${name} is longer than ${maxValueLength} characters`);
    // Decoders write U+FFFD for invalid UTF-8: two broken ids must not become the same one.
    if (value.includes('\ufffd') || !value.isWellFormed()) return refuse('broken-utf8', `${name} is not UTF-8`);
    if (control.test(value)) return refuse('attribute-malformed', `${name} has control characters`);
  }
  return undefined;
}

// eslint-disable-next-line no-control-regex -- it searches for control characters
const control = /[\u0000-\u001f\u007f-\u009f]/;
const names: readonly string[] = ['id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema'];
/** Names of attributes are untrusted, too. */
const shown = (name: string): string => (/^[A-Za-z0-9_-]{1,64}$/.test(name) ? name : 'an attribute');
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(bytes: Uint8Array): { readonly value: unknown } | RefusedEvent {
  if (nestsTooDeep(bytes)) return refuse('json-too-deep', `the JSON nests deeper than ${maxDepth} levels`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('broken-utf8', 'the JSON is not UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without the parser's message, which quotes the text.
    return refuse('broken-json', 'the bytes are not JSON');
  }
  return repeatsName(text) ? refuse('attribute-malformed', 'an object in the JSON has a duplicate name') : { value };
}

/** HTTP binding, 3.1.3.2: strips an outer pair of quotes, then decodes percent-encoding. Such headers have only printable ASCII. */
function percentDecoded(raw: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(raw)) return undefined;
  const quoted = /^"(.*)"$/.exec(raw)?.[1];
  try {
    return decodeURIComponent(quoted === undefined ? raw : quoted.replaceAll(/\\(.)/g, '$1'));
  } catch {
    return undefined;
  }
}
