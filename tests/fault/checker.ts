/**
 * Judges a finished run from the outside: it compares the export of the log, the topics and the history of the targets. Pure, and independent of
 * the services: it uses the types and fields of events, but none of the code that publishes them.
 */

/** An event on a topic; `at` is the signed time of its envelope. */
export interface Event {
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}
/** An entry of the exported log. */
export interface Entry extends Event {
  readonly index: number;
}
/**
 * One grant at the target: `mark` is the target's own id of this grant, which differs for a second grant of the same thing. `seen` is when it was
 * first seen, `last` when it was last seen; `gone`: it no longer existed later.
 */
export interface Held {
  readonly caseId: string;
  readonly object: string;
  readonly mark: string;
  readonly seen: string;
  readonly last: string;
  readonly gone: boolean;
  /** A code that was lost is voided and issued again: several in a row are correct, two at the same time are not. */
  readonly renewable: boolean;
}
export interface Evidence {
  /** The result of the offline verifier for the same export. */
  readonly verified: { readonly ok: boolean; readonly output: string };
  readonly log: readonly Entry[];
  /** Every record of every topic; one may occur twice. */
  readonly topics: readonly Event[];
  /** Events in the services' outboxes on Kafka; undefined on the embedded bus, where the topic is also the outbox. */
  readonly outbox?: readonly Pick<Event, 'id' | 'topic' | 'type'>[] | undefined;
  readonly held: readonly Held[];
  /** Cases whose ids were returned to people: each must be in the log and have ended. */
  readonly cases: readonly string[];
  /** How long after its end a grant may still be seen: the undo may have to wait for the lease of a killed worker. */
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
  | 'violation-found';
export interface Violation {
  readonly rule: Rule;
  readonly where: string;
  readonly why: string;
}

/** Published once in a case, whatever crashed meanwhile. */
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
/** On audit's topic but not in its log: each names an entry. */
const recordedType = 'readmit.audit.recorded';

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const ms = (at: string): number => Date.parse(at);

/** All violations that the evidence shows. */
export function check(evidence: Evidence): readonly Violation[] {
  const violations: Violation[] = [];
  const report = (rule: Rule, where: string, why: string): void => void violations.push({ rule, where, why });
  if (!evidence.verified.ok) report('log-does-not-verify', 'export', evidence.verified.output);
  checkCompleteness(evidence, report);
  checkOutbox(evidence, report);

  const byCase = new Map<string, Entry[]>();
  for (const entry of evidence.log) {
    const caseId = entry.data['caseId'];
    if (typeof caseId === 'string') byCase.set(caseId, [...(byCase.get(caseId) ?? []), entry]);
  }
  for (const caseId of evidence.cases)
    if (!byCase.get(caseId)?.some(({ type }) => type === 'readmit.case.opened'))
      report('case-lost', caseId, 'its id was returned to a person, but it is not in the log');
  for (const [caseId, entries] of byCase) checkCase(caseId, entries, evidence, report);
  for (const held of evidence.held)
    if (!byCase.has(held.caseId))
      report('grant-without-start', held.caseId, `${held.object} holds ${held.mark} for a case that is not in the log`);
  return violations;
}

type Report = (rule: Rule, where: string, why: string) => void;

/** Topics and log contain the same events, and the entries that `recorded` events name exist. */
function checkCompleteness({ log, topics }: Evidence, report: Report): void {
  const logged = new Map<string, Entry>();
  for (const entry of log) {
    const first = logged.get(entry.id);
    if (first) report('event-twice-in-log', `entry ${entry.index}`, `${entry.type} ${entry.id} is already entry ${first.index}`);
    else logged.set(entry.id, entry);
  }
  const published = new Set<string>();
  for (const event of topics) {
    const { id, type, topic } = event;
    if (!published.has(id) && type !== recordedType && !logged.has(id)) report('event-lost', topic, `${type} ${id} is not in the log`);
    published.add(id);
    if (type === recordedType && logged.get(text(event.data['eventId']))?.index !== event.data['index'])
      report('record-points-elsewhere', topic, `${id} says that ${text(event.data['eventId'])} is entry ${text(event.data['index'])}`);
    if (type.endsWith('.message-parked') && event.data['action'] === 'parked')
      report('message-parked', topic, `${text(event.data['reason'])}: ${text(event.data['says'])}`);
    if (type === 'readmit.violation.found')
      report('violation-found', event.key, `${text(event.data['rule'])}: ${text(event.data['says'])}`);
  }
  for (const { id, type, index, topic } of logged.values())
    if (!published.has(id)) report('event-invented', `entry ${index}`, `${type} ${id} is on no topic (${topic})`);
}

/** What was committed was sent, and what is on a topic was committed. */
function checkOutbox({ outbox, topics }: Evidence, report: Report): void {
  if (!outbox) return;
  const name = ({ id, topic }: Pick<Event, 'id' | 'topic'>): string => `${topic} ${id}`;
  const sent = new Set(topics.map(name));
  for (const one of outbox)
    if (!sent.has(name(one))) report('event-unsent', one.topic, `${one.type} ${one.id} was committed and never sent`);
  const committed = new Set(outbox.map(name));
  const unknown = new Map(topics.filter((one) => !committed.has(name(one))).map((one) => [name(one), one]));
  for (const { topic, type, id } of unknown.values()) report('event-invented', topic, `${type} ${id} is in no outbox`);
}

function checkCase(caseId: string, entries: readonly Entry[], evidence: Evidence, report: Report): void {
  const of = (type: string): readonly Entry[] => entries.filter((entry) => entry.type === type);
  if (of('readmit.case.opened').length > 0 && of('readmit.case.closed').length === 0)
    report('case-without-end', caseId, `it has only ${entries.map(({ type }) => type.replace('readmit.', '')).join(' ')}`);
  for (const type of oncePerCase)
    if (of(type).length > 1) report('effect-repeated', caseId, `${type} was published ${of(type).length} times`);
  for (const type of oncePerObligation) {
    const times = new Map<string, number>();
    for (const { data } of of(type)) {
      // An obligation may be due again; each question has one answer.
      const id = `${text(data['obligationId'])}${data['answers'] === undefined ? '' : ` to ${text(data['answers'])}`}`;
      times.set(id, (times.get(id) ?? 0) + 1);
    }
    for (const [id, count] of times) if (count > 1) report('effect-repeated', caseId, `${type} of ${id} was published ${count} times`);
  }
  const held = evidence.held.filter((one) => one.caseId === caseId);
  if (of('readmit.execution.started')[0]) checkStart(caseId, of, evidence, report);
  checkHeld(caseId, held, of, evidence.graceSeconds, report);
}

/** Before the first step at a target, audit has recorded every obligation of the grant, and the events for which the gate waits. */
function checkStart(caseId: string, of: (type: string) => readonly Entry[], { topics }: Evidence, report: Report): void {
  const started = of('readmit.execution.started')[0];
  if (!started) return;
  const recorded = new Set(
    topics.filter(({ type, key }) => type === recordedType && key === caseId).map(({ data }) => text(data['eventId'])),
  );
  const required = ['readmit.case.classified', 'readmit.people.attested', 'readmit.plan.proposed', 'readmit.approval.granted'];
  for (const type of required) {
    const before = of(type).find(({ index }) => index < started.index);
    if (!before || !recorded.has(before.id)) report('grant-before-record', caseId, `it was started before audit had recorded ${type}`);
  }
  const obligations = of('readmit.approval.granted').flatMap(
    ({ data }) => (data['obligations'] ?? []) as readonly { readonly id: string }[],
  );
  for (const { id } of obligations) {
    const before = of('readmit.obligation.recorded').find(({ index, data }) => index < started.index && data['obligationId'] === id);
    if (!before) report('grant-before-obligation', caseId, `it was started before the obligation ${id} was in the log`);
    else if (!recorded.has(before.id))
      report('grant-before-record', caseId, `it was started before audit had recorded the obligation ${id}`);
  }
}

/** Compares the history of the target with the log. */
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
    // All times are from the clock of one machine.
    if (!started || ms(one.seen) < ms(started.at))
      report('grant-without-start', caseId, `${what} from ${one.seen}, before any start was published`);
    if (!one.gone) report('grant-not-ended', caseId, `${what} at the last poll (${one.last})`);
    const end = started && seconds.length > 0 ? ms(started.at) + (Math.max(...seconds) + graceSeconds) * 1000 : undefined;
    if (end !== undefined && ms(one.last) > end)
      report('grant-past-end', caseId, `${what} at ${one.last}, later than ${new Date(end).toISOString()} (end and ${graceSeconds} s)`);
    if (confirmed && ms(one.last) > ms(confirmed.at))
      report('confirmed-while-held', caseId, `${what} at ${one.last}, although its revocation was confirmed at ${confirmed.at}`);
  }
  const sorted = [...held].sort((a, b) => ms(a.seen) - ms(b.seen));
  sorted.forEach((one, at) => {
    const before = sorted[at - 1];
    if (before && (!one.renewable || ms(one.seen) < ms(before.last)))
      report('effect-repeated', caseId, `${one.object} was granted ${before.mark} and ${one.mark}`);
  });
  const watched = of('readmit.execution.succeeded').length > 0 && of('readmit.case.opened').some(({ data }) => isWatched(data['asks']));
  if (watched && held.length === 0)
    report('success-without-grant', caseId, 'its success was published, but the target never showed the grant');
}

/** Whether the grants of the case are observed at their target. */
const isWatched = (asks: unknown): boolean =>
  Array.isArray(asks) && asks.some(({ kind }: { kind?: unknown }) => kind === 'role.restore' || kind === 'factor.bypass');
