import type { Base64, LoggedRecord } from './tools.js';

export const exportFormat = 'readmit-log/1';

/** First line of an export: its log and keys. Not trusted: the verifier uses the keys that it was given. */
export interface ExportHeader {
  readonly format: typeof exportFormat;
  readonly origin: string;
  readonly environment: string;
  /** The signed list of the services' public keys (compact JWS). */
  readonly keyList: string;
  /** C2SP verifier key of the log. */
  readonly logKey: string;
}
export interface EntryLine {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly record: LoggedRecord;
}
export type ExportLine =
  | { readonly header: ExportHeader; /** Why it is not written as an export writes it. */ readonly stray?: string }
  | { readonly row: EntryLine }
  | { readonly checkpoint: string }
  | { readonly unreadable: string };

export const headerLine = (header: ExportHeader): string => JSON.stringify(header);
export const entryLine = ({ index, entry, record }: EntryLine, base64: Base64): string =>
  JSON.stringify({
    index,
    entry: base64.encode(entry),
    topic: record.topic,
    key: record.key,
    headers: record.headers,
    value: base64.encode(record.value),
  });
/** A checkpoint follows directly after the entries that it covers. */
export const checkpointLine = (note: string): string => JSON.stringify({ checkpoint: note });

/**
 * Parses one line; never throws. Each line has exactly one valid form: other parsers might read a repeated name, another
 * order or another spelling differently.
 */
export function readLine(line: string, base64: Base64): ExportLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { unreadable: `The line is not JSON: ${(error as Error).message}` };
  }
  if (!isRecord(value)) return { unreadable: 'The line is not an object.' };
  if (typeof value['format'] === 'string') return readHeader(value, line);
  if (typeof value['checkpoint'] === 'string')
    return onlyFields(value, ['checkpoint']) ?? asWritten(line, checkpointLine(value['checkpoint'])) ?? { checkpoint: value['checkpoint'] };
  const read = readRow(value, base64);
  return 'row' in read ? (asWritten(line, entryLine(read.row, base64)) ?? read) : read;
}

function asWritten(line: string, written: string): { readonly unreadable: string } | undefined {
  return line === written
    ? undefined
    : { unreadable: 'The line is not in the form of an export: a name is repeated, or order or spelling differ.' };
}

function readHeader(value: Record<string, unknown>, line: string): ExportLine {
  const { format, origin, environment, keyList, logKey } = value;
  if (format !== exportFormat) return { unreadable: `The export has the format '${String(format)}'; this verifier reads ${exportFormat}.` };
  if (typeof origin !== 'string' || typeof environment !== 'string' || typeof keyList !== 'string' || typeof logKey !== 'string')
    return { unreadable: 'The header lacks origin, environment, keyList or logKey.' };
  const header = { format, origin, environment, keyList, logKey } as const;
  const stray = onlyFields(value, Object.keys(header)) ?? asWritten(line, headerLine(header));
  return stray ? { header, stray: stray.unreadable } : { header };
}

function readRow(value: Record<string, unknown>, base64: Base64): ExportLine {
  const unknown = onlyFields(value, ['index', 'entry', 'topic', 'key', 'headers', 'value']);
  if (unknown) return unknown;
  const { index, entry, topic, key, headers, value: data } = value;
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) return { unreadable: 'The row has no index.' };
  const entryBytes = typeof entry === 'string' ? base64.decode(entry) : undefined;
  const valueBytes = typeof data === 'string' ? base64.decode(data) : undefined;
  if (!entryBytes || !valueBytes) return { unreadable: `Entry ${index}: entry or value is not base64.` };
  if (typeof topic !== 'string' || typeof key !== 'string' || !isRecord(headers))
    return { unreadable: `Entry ${index}: topic, key or headers are missing.` };
  const texts = Object.entries(headers).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  if (texts.length !== Object.keys(headers).length) return { unreadable: `Entry ${index}: a header is not text.` };
  const stray = texts.find(([name]) => !isLoggedHeader(name));
  if (stray) return { unreadable: `Entry ${index}: unknown header '${stray[0].slice(0, 40)}'.` };
  const signature = texts.find(([name]) => name === 'readmit-signature')?.[1];
  if (signature !== undefined && !base64.decode(signature)) return { unreadable: `Entry ${index}: the signature is not base64.` };
  return { row: { index, entry: entryBytes, record: { topic, key, headers: Object.fromEntries(texts), value: valueBytes } } };
}

function onlyFields(value: Record<string, unknown>, names: readonly string[]): { readonly unreadable: string } | undefined {
  const other = Object.keys(value).find((name) => !names.includes(name));
  return other === undefined ? undefined : { unreadable: `The line has an unknown field '${other.slice(0, 40)}'.` };
}
/** Headers that the log keeps: those that the signature covers, and the signature. Trace context proves nothing. */
export const isLoggedHeader = (name: string): boolean => name.startsWith('ce_') || name === 'content-type' || name === 'readmit-signature';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
