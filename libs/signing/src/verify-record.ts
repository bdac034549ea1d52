import {
  batchPae,
  decodeBatchSignature,
  entryOf,
  keyOf,
  knownType,
  maxDepth,
  nestsTooDeep,
  readEnvelope,
  signatureHeader,
  topicOf,
  type Envelope,
  type EventType,
  type Fact,
} from '@readmit/contracts';
import { isUtf8 } from 'node:buffer';
import { verify } from 'node:crypto';
import type { TopicRecord } from '@readmit/bus';
import { recordLeafHash } from './hashing.js';
import type { KeyRing, RingKey } from './key-ring.js';
import { unstorableText } from '@readmit/platform';
import { CheckedTrees } from './checked-trees.js';
import { schemaViolation } from './schemas.js';

/** Bytes of a value at most. */
export const maxValueBytes = 1024 * 1024;
/** For how long an event is taken after it was said; older ones only when an operator replays them. */
export const maxAgeDays = 35;
/** How far the clock of a producer's database may be ahead of the local one: an event from the future would stay the latest. */
const maxAheadMs = 5 * 60_000;

/**
 * For how long after the end of a key an event that was signed before it may still arrive. A service stops signing five minutes before the end and
 * an event travels for seconds, so this is for brokers or a process that were away for minutes. Longer, and who finds an old key could still speak:
 * the time in the event is its own word. What honestly comes later is re-driven by an operator.
 */
export const keyGraceMs = 15 * 60_000;

export type RefusedBecause =
  | 'malformed-envelope'
  | 'unknown-type'
  | 'unknown-version'
  | 'schema-violation'
  | 'bad-signature'
  | 'unknown-key'
  | 'key-not-valid-then'
  | 'key-ended'
  | 'wrong-producer'
  | 'wrong-environment'
  | 'too-old'
  | 'from-the-future'
  | 'key-differs'
  | 'oversized'
  | 'undecodable'
  | 'too-deep';

export interface VerifiedRecord {
  readonly ok: true;
  readonly fact: Fact;
  /** The record's key: the aggregate, unless the service says otherwise. */
  readonly key: string;
  readonly envelope: Envelope;
}
export interface RefusedRecord {
  readonly ok: false;
  readonly reason: RefusedBecause;
  /** Where and what, for an operator; holds no values of the event. */
  readonly message: string;
}

export interface VerifyOptions {
  readonly ring: KeyRing;
  readonly environment: string;
  readonly now: Date;
  /** An operator replays it: any age counts, also under a key that has ended. */
  readonly replayed?: boolean;
  /** Trees whose signature was checked before; one verification serves a whole tree. */
  readonly checked?: CheckedTrees;
}

const refuse = (reason: RefusedBecause, message: string): RefusedRecord => ({ ok: false, reason, message });
const allTrees = new CheckedTrees();

/**
 * A record's bytes and headers to a fact, or the first reason why not. Total: it throws for no input. Nothing of a record
 * is believed before its signature: what comes earlier are bounds and form.
 */
export function verifyRecord(record: Omit<TopicRecord, 'offset' | 'partition'>, options: VerifyOptions): VerifiedRecord | RefusedRecord {
  if (record.undecodable !== undefined) return refuse('undecodable', record.undecodable);
  if (record.value.length > maxValueBytes)
    return refuse('oversized', `the value has ${record.value.length} bytes, at most ${maxValueBytes} are taken`);
  const envelope = readEnvelope(record.headers, record.key);
  if (typeof envelope === 'string') return refuse('malformed-envelope', envelope);
  if (envelope.environment !== options.environment)
    return refuse('wrong-environment', `it was said in ${envelope.environment}, this is ${options.environment}`);
  const signedAt = Date.parse(envelope.time);
  const signer = checkSignature(record, envelope, signedAt, options);
  if ('ok' in signer) return signer;
  if (envelope.service !== signer.owner)
    return refuse('wrong-producer', `ce_source names ${envelope.service}, the key is of ${signer.owner}`);
  if (record.topic !== topicOf(signer.owner)) return refuse('wrong-producer', `${signer.owner} does not write to ${record.topic}`);
  const type = knownType(envelope);
  if (!type) return refuse('unknown-type', `the catalogue has no type ${envelope.type}`);
  const entry = entryOf(type);
  if (entry.producer !== signer.owner)
    return refuse('wrong-producer', `${type} belongs to ${entry.producer}, the key is of ${signer.owner}`);
  if (envelope.version !== String(entry.version))
    return refuse('unknown-version', `version ${envelope.version} of ${type}; this release knows ${entry.version}`);
  if (!options.replayed && signedAt < options.now.getTime() - maxAgeDays * 86_400_000)
    return refuse('too-old', `said at ${envelope.time}, more than ${maxAgeDays} days ago; replay it if it is wanted`);
  if (!options.replayed && signedAt > options.now.getTime() + maxAheadMs)
    return refuse(
      'from-the-future',
      `said at ${envelope.time}, it is ${options.now.toISOString()}: check the clock of ${signer.owner}'s database`,
    );
  return readData(record, envelope, type);
}

/** The key that signed it, or the refusal. */
function checkSignature(
  record: Omit<TopicRecord, 'offset' | 'partition'>,
  envelope: Envelope,
  signedAt: number,
  options: VerifyOptions,
): RingKey | RefusedRecord {
  const header = record.headers[signatureHeader];
  if (header === undefined) return refuse('bad-signature', `no header ${signatureHeader}`);
  const batch = decodeBatchSignature(Buffer.from(header, 'base64'));
  if (!batch) return refuse('bad-signature', `the header ${signatureHeader} is not a batch signature`);
  const kid = Buffer.from(batch.keyId.buffer, batch.keyId.byteOffset, batch.keyId.length).toString('hex');
  const key = options.ring.get(kid);
  if (!key)
    return refuse('unknown-key', `key ${kid} is not in the key list of ${options.ring.issuedAt}; re-drive it once the list names the key`);
  if (signedAt < key.notBefore || signedAt >= key.notAfter)
    return refuse('key-not-valid-then', `key ${kid} was not valid at ${envelope.time}`);
  const arrivedAt = record.arrivedAt ?? options.now.getTime();
  if (!options.replayed && arrivedAt > key.notAfter + keyGraceMs)
    return refuse(
      'key-ended',
      `key ${kid} ended at ${new Date(key.notAfter).toISOString()} and this came at ${new Date(arrivedAt).toISOString()}; ` +
        `re-drive it if its service had said it before the end`,
    );
  // A thief signs with any time. So after a revocation nothing new counts under the key, however old it says it is.
  if (signedAt >= key.revokedAt || options.now.getTime() >= key.revokedAt)
    return refuse('key-not-valid-then', `key ${kid} was revoked at ${new Date(key.revokedAt).toISOString()}`);
  const checked = options.checked ?? allTrees;
  const isSigned = (root: Uint8Array): boolean => verify(null, batchPae(options.environment, batch.size, root), key.key, batch.signature);
  if (!checked.covers(`${kid}|${options.environment}`, recordLeafHash(options.environment, record), batch, isSigned))
    return refuse('bad-signature', `the bytes are not what key ${kid} signed`);
  return key;
}

function readData(record: Omit<TopicRecord, 'offset' | 'partition'>, envelope: Envelope, type: EventType): VerifiedRecord | RefusedRecord {
  if (nestsTooDeep(record.value)) return refuse('too-deep', `the value nests deeper than ${maxDepth} levels`);
  if (!isUtf8(record.value)) return refuse('malformed-envelope', 'the value is not UTF-8');
  const text = record.value.toString('utf8');
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return refuse('malformed-envelope', 'the value is not JSON');
  }
  const violation = schemaViolation(type, data);
  if (violation !== undefined) return refuse('schema-violation', `${type}: ${violation}`);
  // One aggregate has one key: services file by the data, the log and its readers by the record, and must see the same. A deadline that was
  // reached had the bare key of its aggregate once, and logs that hold it are still verified.
  if (type !== 'readmit.deadline.reached' && keyOf({ type, data: data as object }) !== record.key)
    return refuse('key-differs', `${type}: the key of the record is not that of the data (${entryOf(type).key})`);
  if (text.includes('\\u') || text.includes('\0')) {
    const path = unstorableText(data);
    if (path !== undefined) return refuse('schema-violation', `${type}: ${path} holds U+0000 or half of a surrogate pair`);
  }
  return { ok: true, key: record.key, envelope, fact: { id: envelope.id, type, at: envelope.time, data } as Fact };
}
