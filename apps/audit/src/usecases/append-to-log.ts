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

/** `watchAfterSeconds` of every installation, and of the benchmark, whose ceiling must do the same work. */
export const watchAfterSeconds = 20;

/** What the writer of the log needs; keys stay behind functions. */
export interface LogWriterOptions {
  readonly environment: string;
  readonly key: LogKey;
  /** Plain Ed25519 with the private half of `key`. */
  readonly signNote: (message: Uint8Array) => Uint8Array;
  /** Signs audit's own events as every service signs its. */
  readonly signEvents: (records: readonly OutgoingRecord[]) => readonly OutgoingRecord[];
  readonly newEventId: () => string;
  /** Least seconds between checkpoints that become entries. */
  readonly checkpointEverySeconds: number;
  /**
   * Least seconds until a case is looked at after an entry that its rules are about, and half the most: topics arrive one after the other,
   * and what is on its way is not missing.
   */
  readonly watchAfterSeconds: number;
}

/** An event that was verified. */
export interface Arrived {
  readonly fact: Fact;
  readonly record: LoggedRecord;
  /** Trace context of the recording, when somebody traces it; else the event's own goes on. */
  readonly traceparent?: string;
}
export interface Appended {
  /** Records for audit's own topic: Recorded, CheckpointSigned and the drafts. */
  readonly say: readonly OutgoingRecord[];
  /** Records for SIEMs: one for each new leaf. */
  readonly show: readonly OutgoingRecord[];
  readonly leaves: number;
  readonly size: number;
  /** Resolves when the statement that appends has been answered: what follows it in the transaction need not wait. */
  readonly kept: Promise<unknown>;
}

/**
 * From the grant on, and what comes after the end of a case. Not an opened case: anybody can open one, and many of them must not keep those
 * that were granted waiting.
 */
const watched: readonly Fact['type'][] = [
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
 * Appends what arrived to the log inside the transaction of the batch: the writer's lock, one read, one insert, whatever the
 * number of events. An event id that the log has already is passed over, so a repeated batch adds nothing.
 */
export class LogWriter {
  constructor(private readonly options: LogWriterOptions) {}

  async append(tx: Tx, arrived: readonly Arrived[], drafts: readonly Draft[]): Promise<Appended> {
    const head = await lockHead(
      tx,
      arrived.map(({ fact }) => fact.id),
      [...new Set([...arrived.map(({ record }) => record.key), ...drafts.map(({ key }) => key)])],
    );
    const fresh = this.freshOf(arrived, head);
    const checkpointed = this.checkpointDue(head, fresh.size + drafts.length);
    const own = this.sign([...checkpointed, ...drafts], head.now);
    const added: Arrived[] = [...own, ...fresh.values()];
    if (added.length === 0) return { say: [], show: [], leaves: 0, size: head.size, kept: Promise.resolve() };

    const tree = Frontier.restore(logTools.sha256, head.size, head.frontier);
    const show: OutgoingRecord[] = [];
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
      show.push(this.shown(leaf, fact, known));
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
    const watch = [...fresh.values()].filter(({ fact }) => watched.includes(fact.type)).map(({ record }) => record.key);
    const kept = append(tx, leaves, { size: tree.size, root, frontier: tree.serialise(), note, at: head.now }, cases, {
      cases: watch,
      notBefore: plusSeconds(head.now, this.options.watchAfterSeconds),
      lookAt: plusSeconds(head.now, 2 * this.options.watchAfterSeconds),
    });
    return { say: [...own, ...recorded].map(({ record }) => record), show, leaves: leaves.length, size: tree.size, kept };
  }

  /** What the log does not have. @throws {ReusedIds} an id came again with something else under it: passed over, it would be hidden. */
  private freshOf(arrived: readonly Arrived[], head: LogHead): ReadonlyMap<string, Arrived> {
    const fresh = new Map<string, Arrived>();
    const reused: Arrived[] = [];
    for (const one of arrived) {
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
  private digestOf({ record }: Arrived): string {
    return Buffer.from(logTools.sha256(signedEventBytes(this.options.environment, record))).toString('hex');
  }

  /** The checkpoint of everything before becomes the first new entry: its size is its own index, so a verifier can check it in passing. */
  private checkpointDue(head: LogHead, others: number): readonly Draft[] {
    if (others === 0 || head.note === undefined) return [];
    if (head.saidAt && head.now.getTime() - head.saidAt.getTime() < this.options.checkpointEverySeconds * 1000) return [];
    return [{ type: 'readmit.checkpoint.signed', key: logKeyOfOwnEvents, data: { size: head.size, note: head.note } }];
  }

  /** No attributes of CloudEvents: it is no event of ours, and whoever reads lines sees no headers. */
  private shown(leaf: Leaf, fact: Fact, known: KnownCase): OutgoingRecord {
    const { producer } = entryOf(fact.type);
    const { environment, key } = this.options;
    const event = ocsfOf({ leaf, fact, producer, known }, { product, environment, origin: key.name });
    return { topic: auditOcsfTopic, key: leaf.key, headers: { 'content-type': contentType }, value: Buffer.from(JSON.stringify(event)) };
  }

  private sign(drafts: readonly TracedDraft[], now: Date): readonly (Arrived & { readonly record: OutgoingRecord })[] {
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

/** Events whose ids belong to other events of the log. Who holds a service's key could otherwise keep what he says out of it. */
export class ReusedIds extends Error {
  constructor(readonly arrived: readonly Arrived[]) {
    super(`the log has another event under the id ${arrived.map(({ fact }) => fact.id).join(', ')}`);
    this.name = 'ReusedIds';
  }
}
/** Digest of the signed event that an entry of ours was made of. */
const loggedDigest = (entry: Uint8Array): string => (JSON.parse(Buffer.from(entry).toString('utf8')) as Leaf).sha256;

/** A draft and the trace that it goes on in. */
type TracedDraft = Draft & { readonly traceparent?: string };

/** Confirms the entries that execution's gate waits for, each in the trace of its event. */
function recordedOf(leaf: NewLeaf, arrived: Arrived | undefined): readonly TracedDraft[] {
  if (!arrived) return [];
  const { fact, record } = arrived;
  const traceparent = arrived.traceparent ?? record.headers[traceHeader];
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
