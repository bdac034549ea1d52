/**
 * The envelope: CloudEvents 1.0 in binary mode, as headers. Written and read by one function each, so that both ends agree on every
 * attribute. Printable ASCII only: lengths in characters are lengths in bytes, and the signed text is unambiguous.
 */
import { isEventType, type EventType } from '../events/catalogue.js';
import { services, type ServiceName } from '../events/entry.js';

export const contentType = 'application/json';
export const signatureHeader = 'readmit-signature';
export const traceHeader = 'traceparent';

export interface Envelope {
  readonly id: string;
  readonly environment: string;
  readonly service: ServiceName;
  /** As written; may be unknown to the catalogue. */
  readonly type: string;
  /** When it happened, by the clock of the producer's database: RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** The record's key. */
  readonly subject: string;
  readonly version: string;
  /** Groups related events: nearly always the case id. */
  readonly correlationId: string;
  /** Id of the event that led to this one. */
  readonly causationId?: string;
  /** W3C trace context of the cause; not signed. */
  readonly traceparent?: string;
}

const printable = /^[\x20-\x7e]*$/;
const id = /^[A-Za-z0-9._:/@-]{1,128}$/;
const key = /^[\x21-\x7e]{1,600}$/;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const source = /^readmit\/([a-z0-9-]{1,63})\/([a-z-]{1,63})$/;
const trace = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const maxHeaders = 32;
const maxHeaderBytes = 8192;

/** Whether the text can be a record's key. */
export const isKey = (text: string): boolean => key.test(text);
/** Whether the text can be the name of an environment, which separates keys and events of, say, staging and production. */
export const isEnvironment = (text: string): boolean => /^[a-z0-9-]{1,63}$/.test(text);

/** Whether the text is a W3C trace context (`traceparent`). */
export const isTraceparent = (text: string): boolean => trace.test(text);

/** Headers of an event, unsigned. */
export function writeEnvelope(envelope: Envelope): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': contentType,
    ce_specversion: '1.0',
    ce_id: envelope.id,
    ce_source: `readmit/${envelope.environment}/${envelope.service}`,
    ce_type: envelope.type,
    ce_time: envelope.time,
    ce_subject: envelope.subject,
    ce_version: envelope.version,
    ce_correlationid: envelope.correlationId,
  };
  if (envelope.causationId !== undefined) headers['ce_causationid'] = envelope.causationId;
  if (envelope.traceparent !== undefined) headers[traceHeader] = envelope.traceparent;
  return headers;
}

/** The envelope, or what is wrong with it. A malformed trace context is dropped: nothing depends on it. */
export function readEnvelope(headers: Readonly<Record<string, string>>, recordKey: string): Envelope | string {
  const names = Object.keys(headers);
  if (names.length > maxHeaders) return `${names.length} headers, at most ${maxHeaders} are allowed`;
  let size = 0;
  for (const name of names) {
    const value = headers[name] ?? '';
    size += name.length + value.length;
    if (size > maxHeaderBytes) return `headers are larger than ${maxHeaderBytes} bytes`;
    if (!printable.test(name) || !printable.test(value)) return 'a header is not printable ASCII';
  }
  if (!key.test(recordKey)) return 'the key is not 1 to 256 printable ASCII characters';
  if (headers['content-type'] !== contentType) return `content-type is not ${contentType}`;
  if (headers['ce_specversion'] !== '1.0') return 'ce_specversion is not 1.0';
  const { ce_id, ce_source, ce_type, ce_time, ce_subject, ce_version, ce_correlationid, ce_causationid } = headers;
  if (ce_id === undefined || !id.test(ce_id)) return 'ce_id is missing or not an id';
  if (ce_type === undefined || !id.test(ce_type)) return 'ce_type is missing or not a type name';
  if (ce_version === undefined || !id.test(ce_version)) return 'ce_version is missing';
  if (ce_time === undefined || !instant.test(ce_time) || Number.isNaN(Date.parse(ce_time)))
    return 'ce_time is missing or not RFC 3339 in UTC with milliseconds';
  if (ce_subject !== recordKey) return 'ce_subject is not the key of the record';
  if (ce_correlationid === undefined || !key.test(ce_correlationid)) return 'ce_correlationid is missing';
  if (ce_causationid !== undefined && !id.test(ce_causationid)) return 'ce_causationid is not an id';
  const [, environment, service] = source.exec(ce_source ?? '') ?? [];
  const known = services.find((name) => name === service);
  if (environment === undefined || known === undefined) return 'ce_source is not readmit/<environment>/<service>';
  const traceparent = headers[traceHeader];
  return {
    id: ce_id,
    environment,
    service: known,
    type: ce_type,
    time: ce_time,
    subject: recordKey,
    version: ce_version,
    correlationId: ce_correlationid,
    ...(ce_causationid === undefined ? {} : { causationId: ce_causationid }),
    ...(traceparent !== undefined && trace.test(traceparent) ? { traceparent } : {}),
  };
}

/** The type of the envelope as the catalogue knows it. */
export const knownType = (envelope: Envelope): EventType | undefined => (isEventType(envelope.type) ? envelope.type : undefined);
