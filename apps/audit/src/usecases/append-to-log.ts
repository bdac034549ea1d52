import {
  auditOcsfTopic,
  contentType,
  entryOf,
  Frontier,
  isKey,
  isTraceparent,
  leafHash,
  product,
  topicOf,
  traceHeader,
  writeEnvelope,
  type Draft,
  type Fact,
} from '@readmit/contracts';
import type { OutgoingRecord } from '@readmit/bus';
import {
  checkpointText,
  entryBytes,
  foldCase,
  instant,
  isLoggedHeader,
  leafOf,
  ocsfOf,
  plusSeconds,
  signNote,
  type KnownCase,
  type Leaf,
  type LogKey,
  type LoggedRecord,
} from '@readmit/domain';
import type { Tx } from '@readmit/store';
import { logTools, signedEventBytes } from '../outbound/log-crypto.js';
import { append, lockHead, logKeyOfOwnEvents, type LogHead, type NewLeaf } from '../outbound/log-store.js';

/** `watchAfterSeconds` of the service. The benchmark uses it too, because its baseline must do the same work. */
export const watchAfterSeconds = 20;

/** Dependencies of the log writer. It never sees a private key, only functions that sign. */
export interface LogWriterOptions {
  readonly environment: string;
  readonly key: LogKey;
  /** Plain Ed25519 with the private half of `key`. */
  readonly signNote: (message: Uint8Array) => Uint8Array;
  /** Signs audit's own events, as every service does. */
  readonly signEvents: (records: readonly OutgoingRecord[]) => readonly OutgoingRecord[];
  readonly newEventId: () => string;
  /** Minimum seconds between checkpoints that become entries. */
  readonly checkpointEverySeconds: number;
  /**
   * Minimum seconds between an entry that the rules are about and the check of its case; twice as many at most. Topics are consumed
   * independently, and an event that is still in transit must not be reported as missing.
   */
  readonly watchAfterSeconds: number;
}

/** A verified event to be logged. */
export interface VerifiedEvent {
  readonly fact: Fact;
  readonly record: LoggedRecord;
  /** Trace context of the recording, if it is traced; otherwise the event's own trace continues. */
  readonly traceparent?: string;
}
export interface Appended {
  /** Records for audit's own topic: Recorded, CheckpointSigned and the drafts. */
  readonly events: readonly OutgoingRecord[];
  /** Records for SIEMs: one for each new leaf. */
  readonly siemRecords: readonly OutgoingRecord[];
  readonly leaves: number;
  readonly size: number;
  /** Resolves when the INSERT has returned: later statements of the transaction need not wait for it. */
  readonly stored: Promise<unknown>;
}

/**
 * Entries after which a case is checked: from its grant on, and after its end. Not when it is opened: anyone can open cases, and many of
 * them must not delay the check of granted ones.
 */
const checkedAfter: readonly Fact['type'][] = [
  'readmit.approval.granted',
  'readmit.execution.started',
  'readmit.execution.succeeded',
  'readmit.obligation.recorded',
  'readmit.obligation.discharged',
  'readmit.revocation.due',
  'readmit.revocation.confirmed',
  'readmit.containment.ordered',
  'readmit.case.frozen',
];

/**
 * Appends received events to the log inside the transaction of the batch: the writer's lock, one read, one insert, whatever the number of
 * events. An event that is in the log already is skipped, so a redelivered batch adds nothing.
 */
export class LogWriter {
  constructor(private readonly options: LogWriterOptions) {}

  async append(tx: Tx, received: readonly VerifiedEvent[], drafts: readonly Draft[]): Promise<Appended> {
    const head = await lockHead(
      tx,
      received.map(({ fact }) => fact.id),
      [...new Set([...received.map(({ record }) => record.key), ...drafts.map(({ key }) => key)])],
    );
    const fresh = this.freshOf(received, head);
    const checkpointed = this.checkpointDue(head, fresh.size + drafts.length);
    const own = this.sign([...checkpointed, ...drafts], head.now);
    const added: VerifiedEvent[] = [...own, ...fresh.values()];
    if (added.length === 0) return { events: [], siemRecords: [], leaves: 0, size: head.size, stored: Promise.resolve() };

    const tree = Frontier.restore(logTools.sha256, head.size, head.frontier);
    const siemRecords: OutgoingRecord[] = [];
    const cases = new Map<string, KnownCase>();
    const leaves = added.map(({ fact, record }): NewLeaf => {
      const index = tree.size;
      const leaf = leafOf(
        index,
        { fact, topic: record.topic, key: record.key, signedBytes: signedEventBytes(this.options.environment, record) },
        logTools,
      );
      const entry = entryBytes(leaf, logTools);
      tree.append(leafHash(logTools.sha256, entry));
      const before = cases.get(record.key) ?? head.cases.get(record.key) ?? {};
      const known = foldCase(before, fact);
      if (known !== before) cases.set(record.key, known);
      siemRecords.push(this.siemRecord(leaf, fact, known));
      return { index, entry, eventId: fact.id, record: { ...record, headers: loggedHeaders(record.headers) } };
    });
    const root = tree.root();
    const note = signNote(
      checkpointText({ origin: this.options.key.name, size: tree.size, root }, logTools),
      this.options.key,
      this.options.signNote,
      logTools,
    );
    const recorded = this.sign(
      leaves.flatMap((leaf, at) => recordedOf(leaf, added[at])),
      head.now,
    );
    const watch = [...fresh.values()].filter(({ fact }) => checkedAfter.includes(fact.type)).map(({ record }) => record.key);
    const stored = append(tx, leaves, { size: tree.size, root, frontier: tree.serialise(), note, at: head.now }, cases, {
      cases: watch,
      notBefore: plusSeconds(head.now, this.options.watchAfterSeconds),
      lookAt: plusSeconds(head.now, 2 * this.options.watchAfterSeconds),
    });
    return { events: [...own, ...recorded].map(({ record }) => record), siemRecords, leaves: leaves.length, size: tree.size, stored };
  }

  /** Events that are not in the log yet. @throws {ReusedIds} if an id was used for another event: skipping that one would hide it. */
  private freshOf(received: readonly VerifiedEvent[], head: LogHead): ReadonlyMap<string, VerifiedEvent> {
    const fresh = new Map<string, VerifiedEvent>();
    const reused: VerifiedEvent[] = [];
    for (const one of received) {
      const { id } = one.fact;
      const entry = head.known.get(id);
      const twin = fresh.get(id);
      const before = entry ? loggedDigest(entry) : twin && this.digestOf(twin);
      if (before === undefined) fresh.set(id, one);
      else if (this.digestOf(one) !== before) reused.push(one);
    }
    if (reused.length > 0) throw new ReusedIds(reused);
    return fresh;
  }
  private digestOf({ record }: VerifiedEvent): string {
    return Buffer.from(logTools.sha256(signedEventBytes(this.options.environment, record))).toString('hex');
  }

  /** The checkpoint of everything before becomes the first new entry: its size is its own index, so a verifier can check it on the way. */
  private checkpointDue(head: LogHead, others: number): readonly Draft[] {
    if (others === 0 || head.note === undefined) return [];
    if (head.checkpointEntryAt && head.now.getTime() - head.checkpointEntryAt.getTime() < this.options.checkpointEverySeconds * 1000)
      return [];
    return [{ type: 'readmit.checkpoint.signed', key: logKeyOfOwnEvents, data: { size: head.size, note: head.note } }];
  }

  /** Without CloudEvents attributes: it is not one of Readmit's events, and consumers that read lines see no headers. */
  private siemRecord(leaf: Leaf, fact: Fact, known: KnownCase): OutgoingRecord {
    const { producer } = entryOf(fact.type);
    const { environment, key } = this.options;
    const event = ocsfOf({ leaf, fact, producer, known }, { product, environment, origin: key.name });
    return { topic: auditOcsfTopic, key: leaf.key, headers: { 'content-type': contentType }, value: Buffer.from(JSON.stringify(event)) };
  }

  private sign(drafts: readonly TracedDraft[], now: Date): readonly (VerifiedEvent & { readonly record: OutgoingRecord })[] {
    if (drafts.length === 0) return [];
    const facts = drafts.map((draft) => ({ id: this.options.newEventId(), type: draft.type, at: instant(now), data: draft.data }) as Fact);
    const records = drafts.map((draft, at): OutgoingRecord => {
      if (!isKey(draft.key)) throw new Error(`this is a bug: not a key: ${JSON.stringify(draft.key)}`);
      const headers = writeEnvelope({
        id: facts[at]?.id ?? '',
        environment: this.options.environment,
        service: 'audit',
        type: draft.type,
        time: instant(now),
        subject: draft.key,
        version: String(entryOf(draft.type).version),
        correlationId: draft.key,
        ...(draft.traceparent === undefined ? {} : { traceparent: draft.traceparent }),
      });
      return { topic: topicOf('audit'), key: draft.key, headers, value: Buffer.from(JSON.stringify(draft.data)) };
    });
    return this.options.signEvents(records).flatMap((record, at) => {
      const fact = facts[at];
      return fact ? [{ fact, record }] : [];
    });
  }
}

/** Events whose ids belong to other events in the log. If they were skipped, the holder of a service's key could keep events out of the log. */
export class ReusedIds extends Error {
  constructor(readonly events: readonly VerifiedEvent[]) {
    super(`the log has another event with the id ${events.map(({ fact }) => fact.id).join(', ')}`);
    this.name = 'ReusedIds';
  }
}
/** Digest of the signed event that an entry was made of. */
const loggedDigest = (entry: Uint8Array): string => (JSON.parse(Buffer.from(entry).toString('utf8')) as Leaf).sha256;

/** A draft and the trace that it continues. */
type TracedDraft = Draft & { readonly traceparent?: string };

/** Recorded for each entry that execution's gate waits for, in the trace of its event. */
function recordedOf(leaf: NewLeaf, event: VerifiedEvent | undefined): readonly TracedDraft[] {
  if (!event) return [];
  const { fact, record } = event;
  const traceparent = event.traceparent ?? record.headers[traceHeader];
  if (entryOf(fact.type).gate !== true || !('caseId' in fact.data) || typeof fact.data.caseId !== 'string') return [];
  return [
    {
      type: 'readmit.audit.recorded',
      key: fact.data.caseId,
      data: { caseId: fact.data.caseId, eventId: fact.id, type: fact.type, index: leaf.index },
      ...(traceparent !== undefined && isTraceparent(traceparent) ? { traceparent } : {}),
    },
  ];
}

const loggedHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => isLoggedHeader(name)));
