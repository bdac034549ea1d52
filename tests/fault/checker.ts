/**
 * Judges a finished run from the outside: what the log's export, the topics and the targets' own history say of each other. Pure, and
 * blind to how the services work: it knows the words of the events and nothing of the code that says them.
 */

/** An event as it lies on a topic; `at` is the time that its envelope signs. */
export interface Event {
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}
/** An entry of the export. */
export interface Entry extends Event {
  readonly index: number;
}
/**
 * One grant as the target showed it: `mark` is the target's own name for this very grant (another one for a second grant of the same thing).
 * `seen` is when it was seen first, `last` when it was seen last; `gone`: it was looked for later and was not there.
 */
export interface Held {
  readonly caseId: string;
  readonly object: string;
  readonly mark: string;
  readonly seen: string;
  readonly last: string;
  readonly gone: boolean;
  /** A code that was lost on the way is voided and made anew: several in a row are right, two at the same time are not. */
  readonly renewable: boolean;
}
export interface Evidence {
  /** Of the offline verifier over the same export. */
  readonly verified: { readonly ok: boolean; readonly says: string };
  readonly log: readonly Entry[];
  /** Every record of every topic; the same one may lie there twice. */
  readonly topics: readonly Event[];
  /** What the services' outboxes have kept, when the bus is Kafka; absent: the row of a topic is that of the outbox. */
  readonly outbox?: readonly Pick<Event, 'id' | 'topic' | 'type'>[] | undefined;
  readonly held: readonly Held[];
  /** What whoever asked was told of: each must be known and have ended. */
  readonly cases: readonly string[];
  /** How long past its end a grant may still be seen: a worker that was killed is waited for until its lease is over. */
  readonly graceSeconds: number;
}

export type Rule =
  | 'log-does-not-verify'
  | 'event-lost'
  | 'event-invented'
  | 'event-unsent'
  | 'event-twice-in-log'
  | 'record-points-elsewhere'
  | 'case-lost'
  | 'case-without-end'
  | 'effect-repeated'
  | 'grant-without-start'
  | 'grant-before-obligation'
  | 'grant-before-record'
  | 'grant-past-end'
  | 'grant-not-ended'
  | 'confirmed-while-held'
  | 'success-without-grant'
  | 'message-parked'
  | 'violation-said';
export interface Violation {
  readonly rule: Rule;
  readonly where: string;
  readonly why: string;
}

/** Said once in the life of a case, whatever died meanwhile. */
const oncePerCase = [
  'readmit.case.opened',
  'readmit.case.classified',
  'readmit.plan.proposed',
  'readmit.approval.granted',
  'readmit.execution.started',
  'readmit.execution.succeeded',
  'readmit.case.closed',
];
const oncePerObligation = ['readmit.obligation.recorded', 'readmit.obligation.discharged', 'readmit.revocation.confirmed'];
/** Audit's answers are on its topic and not in its log: each names an entry. */
const recordedType = 'readmit.audit.recorded';

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const ms = (at: string): number => Date.parse(at);

/** Everything that is wrong. Empty: nothing was found by what was given, which proves as much as that can show. */
export function check(evidence: Evidence): readonly Violation[] {
  const violations: Violation[] = [];
  const report = (rule: Rule, where: string, why: string): void => void violations.push({ rule, where, why });
  if (!evidence.verified.ok) report('log-does-not-verify', 'export', evidence.verified.says);
  checkCompleteness(evidence, report);
  checkOutbox(evidence, report);

  const byCase = new Map<string, Entry[]>();
  for (const entry of evidence.log) {
    const caseId = entry.data['caseId'];
    if (typeof caseId === 'string') byCase.set(caseId, [...(byCase.get(caseId) ?? []), entry]);
  }
  for (const caseId of evidence.cases)
    if (!byCase.get(caseId)?.some(({ type }) => type === 'readmit.case.opened'))
      report('case-lost', caseId, 'it was answered with this id, and the log has no request of it');
  for (const [caseId, entries] of byCase) checkCase(caseId, entries, evidence, report);
  for (const held of evidence.held)
    if (!byCase.has(held.caseId))
      report('grant-without-start', held.caseId, `${held.object} holds ${held.mark} for a case that nobody knows`);
  return violations;
}

type Report = (rule: Rule, where: string, why: string) => void;

/** Between topics and log nothing is lost and nothing is added; what Recorded names is there. */
function checkCompleteness({ log, topics }: Evidence, report: Report): void {
  const logged = new Map<string, Entry>();
  for (const entry of log) {
    const first = logged.get(entry.id);
    if (first) report('event-twice-in-log', `entry ${entry.index}`, `${entry.type} ${entry.id} is entry ${first.index} already`);
    else logged.set(entry.id, entry);
  }
  const said = new Set<string>();
  for (const event of topics) {
    const { id, type, topic } = event;
    if (!said.has(id) && type !== recordedType && !logged.has(id)) report('event-lost', topic, `${type} ${id} is not in the log`);
    said.add(id);
    if (type === recordedType && logged.get(text(event.data['eventId']))?.index !== event.data['index'])
      report('record-points-elsewhere', topic, `${id} says that ${text(event.data['eventId'])} is entry ${text(event.data['index'])}`);
    if (type.endsWith('.message-parked') && event.data['action'] === 'parked')
      report('message-parked', topic, `${text(event.data['reason'])}: ${text(event.data['says'])}`);
    if (type === 'readmit.violation.found') report('violation-said', event.key, `${text(event.data['rule'])}: ${text(event.data['says'])}`);
  }
  for (const { id, type, index, topic } of logged.values())
    if (!said.has(id)) report('event-invented', `entry ${index}`, `${type} ${id} is on no topic (${topic})`);
}

/** What was committed was sent, and what lies on a topic was committed. */
function checkOutbox({ outbox, topics }: Evidence, report: Report): void {
  if (!outbox) return;
  const name = ({ id, topic }: Pick<Event, 'id' | 'topic'>): string => `${topic} ${id}`;
  const sent = new Set(topics.map(name));
  for (const one of outbox)
    if (!sent.has(name(one))) report('event-unsent', one.topic, `${one.type} ${one.id} was committed and never sent`);
  const kept = new Set(outbox.map(name));
  const unknown = new Map(topics.filter((one) => !kept.has(name(one))).map((one) => [name(one), one]));
  for (const { topic, type, id } of unknown.values()) report('event-invented', topic, `${type} ${id} is in the outbox of nobody`);
}

function checkCase(caseId: string, entries: readonly Entry[], evidence: Evidence, report: Report): void {
  const of = (type: string): readonly Entry[] => entries.filter((entry) => entry.type === type);
  if (of('readmit.case.opened').length > 0 && of('readmit.case.closed').length === 0)
    report('case-without-end', caseId, `it has ${entries.map(({ type }) => type.replace('readmit.', '')).join(' ')}`);
  for (const type of oncePerCase) if (of(type).length > 1) report('effect-repeated', caseId, `${type} was said ${of(type).length} times`);
  for (const type of oncePerObligation) {
    const times = new Map<string, number>();
    for (const { data } of of(type)) {
      // An obligation may be asked about again; each question has one answer.
      const id = `${text(data['obligationId'])}${data['answers'] === undefined ? '' : ` to ${text(data['answers'])}`}`;
      times.set(id, (times.get(id) ?? 0) + 1);
    }
    for (const [id, said] of times) if (said > 1) report('effect-repeated', caseId, `${type} of ${id} was said ${said} times`);
  }
  const held = evidence.held.filter((one) => one.caseId === caseId);
  if (of('readmit.execution.started')[0]) checkStart(caseId, of, evidence, report);
  checkHeld(caseId, held, of, evidence.graceSeconds, report);
}

/** Before the first step at a target: every obligation of the grant in the log, and audit's word for what the gate asks. */
function checkStart(caseId: string, of: (type: string) => readonly Entry[], { topics }: Evidence, report: Report): void {
  const started = of('readmit.execution.started')[0];
  if (!started) return;
  const recorded = new Set(
    topics.filter(({ type, key }) => type === recordedType && key === caseId).map(({ data }) => text(data['eventId'])),
  );
  const mustStand = ['readmit.case.classified', 'readmit.people.attested', 'readmit.plan.proposed', 'readmit.approval.granted'];
  for (const type of mustStand) {
    const before = of(type).find(({ index }) => index < started.index);
    if (!before || !recorded.has(before.id)) report('grant-before-record', caseId, `it was started before audit had recorded ${type}`);
  }
  const owed = of('readmit.approval.granted').flatMap(({ data }) => (data['obligations'] ?? []) as readonly { readonly id: string }[]);
  for (const { id } of owed) {
    const before = of('readmit.obligation.recorded').find(({ index, data }) => index < started.index && data['obligationId'] === id);
    if (!before) report('grant-before-obligation', caseId, `it was started before the obligation ${id} was in the log`);
    else if (!recorded.has(before.id))
      report('grant-before-record', caseId, `it was started before audit had recorded the obligation ${id}`);
  }
}

/** What the target showed against what the log says of it. */
function checkHeld(
  caseId: string,
  held: readonly Held[],
  of: (type: string) => readonly Entry[],
  graceSeconds: number,
  report: Report,
): void {
  const started = of('readmit.execution.started')[0];
  const granted = of('readmit.approval.granted')[0];
  const seconds = ((granted?.data['obligations'] ?? []) as readonly { readonly afterSeconds: number }[]).map(
    ({ afterSeconds }) => afterSeconds,
  );
  const confirmed = of('readmit.revocation.confirmed').find(({ data }) => data['how'] === 'undone');
  for (const one of held) {
    const what = `${one.object} held ${one.mark}`;
    // Seen is never before it was granted, and all of it runs by the clock of one machine.
    if (!started || ms(one.seen) < ms(started.at))
      report('grant-without-start', caseId, `${what} from ${one.seen}, before any start was said`);
    if (!one.gone) report('grant-not-ended', caseId, `${what} at the last look (${one.last})`);
    const end = started && seconds.length > 0 ? ms(started.at) + (Math.max(...seconds) + graceSeconds) * 1000 : undefined;
    if (end !== undefined && ms(one.last) > end)
      report('grant-past-end', caseId, `${what} at ${one.last}, later than ${new Date(end).toISOString()} (end and ${graceSeconds} s)`);
    if (confirmed && ms(one.last) > ms(confirmed.at))
      report('confirmed-while-held', caseId, `${what} at ${one.last}, though its revocation was confirmed at ${confirmed.at}`);
  }
  const sorted = [...held].sort((a, b) => ms(a.seen) - ms(b.seen));
  sorted.forEach((one, at) => {
    const before = sorted[at - 1];
    if (before && (!one.renewable || ms(one.seen) < ms(before.last)))
      report('effect-repeated', caseId, `${one.object} was granted ${before.mark} and ${one.mark}`);
  });
  const watched = of('readmit.execution.succeeded').length > 0 && of('readmit.case.opened').some(({ data }) => isWatched(data['asks']));
  if (watched && held.length === 0) report('success-without-grant', caseId, 'its success was said, and the target never showed it');
}

/** Grants whose history is taken at their target. */
const isWatched = (asks: unknown): boolean =>
  Array.isArray(asks) && asks.some(({ kind }: { kind?: unknown }) => kind === 'role.restore' || kind === 'factor.bypass');
