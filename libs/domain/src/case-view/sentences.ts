/**
 * What each event means, as a sentence for people. The timeline, the CLI and the records for SIEMs all use it, so that an
 * event reads the same everywhere. Covers the whole catalogue: a new event type does not compile without an entry.
 */
import type { Ask, CommonKind, EventData, EventType, FactOf, Given, OwnEvents, ServiceName, Undo } from '@readmit/contracts';

/** Something that is requested, given or undone at a target. */
export type Affected = Pick<Ask | Undo | Given, 'kind' | 'connector' | 'object' | 'entitlement'>;
export const affectedText = ({ kind, connector, object, entitlement }: Affected): string =>
  `${kind}${entitlement === undefined ? '' : ` ${entitlement}`} for ${object} at ${connector}`;

/** Free text that people wrote about the case, for callers who may read it. A key holder may not: they may be the reason why it was stopped. */
export interface CaseTexts {
  /** Undefined: erased. */
  readonly reason?: string | undefined;
  readonly repudiation?: { readonly at: string; readonly reason: string } | undefined;
}
/** What the timeline knows in addition to the event. */
export interface SentenceContext {
  readonly words?: CaseTexts | undefined;
  /** What the event's obligation undoes. */
  readonly undo?: Affected | undefined;
}

interface Sentence<T extends EventType> {
  /**
   * What happened, in one clause without a full stop, of ids and catalogue terms only: SIEMs get it, and must not get text
   * that people wrote.
   */
  readonly happened: (fact: FactOf<T>) => string;
  /** What the timeline adds. `null`: no timeline shows it, because it belongs to no case or means nothing to people. */
  readonly more: ((fact: FactOf<T>, seen: SentenceContext) => string) | null;
}
type Sentences<T extends EventType> = { readonly [K in T]: Sentence<K> };

const nothing = (): string => '';
const and = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
const sentencesIn = (texts: readonly string[]): string => texts.map((text) => text.replace(/\.$/, '')).join('; ');
const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
const about = ({ undo }: SentenceContext): string => (undo ? `: ${affectedText(undo)}` : '');
/** Rule and reason, which operators search for. */
const why = ({ rule, reason, says }: { readonly rule: string; readonly reason: string; readonly says: string }): string =>
  ` (${rule} ${reason}): ${says}`;

const levels = ['none', 'low', 'substantial', 'high'] as const;
/** The name of an assurance level, as the CLI takes it. */
export const assuranceName = (level: number): string => levels[level] ?? String(level);
/** The largest unit that divides: 900 is `15m`, 5400 is `90m`. */
export function durationText(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const)
    if (seconds > 0 && seconds % size === 0) return `${seconds / size}${unit}`;
  return `${seconds}s`;
}

const ends: Readonly<Record<EventData<'readmit.obligation.discharged'>['how'], string>> = {
  undone: 'undone at the target',
  'never-began': 'nothing had been given',
  'still-held': 'another case still holds it',
  'taken-over': 'every consumer uses the new secret',
};
const powers: Readonly<Record<EventData<'readmit.finding.raised'>['power'], string>> = {
  more: 'has more than the case left there',
  less: 'has less than the case left there',
  same: 'was renamed since the case',
};
const causes: Readonly<Record<EventData<'readmit.revocation.due'>['cause'], string>> = {
  expiry: 'the grant expired',
  used: 'a new factor was enrolled',
  'taken-over': 'every consumer uses the new secret',
  'ended-by-person': 'ended',
  frozen: 'the case is frozen',
  containment: 'contained',
  'execution-failed': 'the execution failed',
  'execution-missing': 'the execution never started',
  'not-proved': 'the last confirmation proved nothing',
};
function frozenBy({ by, cause }: EventData<'readmit.case.frozen'>): string {
  switch (cause) {
    case 'repudiated':
      return by === 'repudiation-code' ? 'repudiated with the code of a notice' : `repudiated by ${by}`;
    case 'reported':
      return `reported by ${by} as not asked for by the subject`;
    case 'signal':
      return `signal ${by}`;
  }
}

const intake: Sentences<OwnEvents<'intake'>> = {
  'readmit.case.opened': {
    happened: ({ data }) => `case opened by ${data.requester.id ?? data.requester.kind}`,
    more: ({ data }, { words }) =>
      ` for ${data.subject.id}: ${data.asks.map(affectedText).join(', ')} (${data.reasonCode})${words?.reason === undefined ? '' : `: ${words.reason}`}`,
  },
  'readmit.signal.received': {
    happened: ({ data }) => `signal of ${data.provider}: ${data.kind} of ${data.subject}`,
    more: null,
  },
  'readmit.case.frozen': {
    happened: ({ data }) => `case frozen: ${frozenBy(data)}`,
    more: ({ at }, { words }) => (words?.repudiation?.at === at ? `: ${words.repudiation.reason}` : ''),
  },
  'readmit.notice.sent': {
    happened: ({ data }) => `notice "${data.about}" sent to ${data.to ?? 'the subject'}`,
    more: ({ data: { addresses, channel } }) =>
      `${addresses === undefined ? '' : ` at ${plural(addresses, 'address', 'addresses')}`} through ${channel}`,
  },
  'readmit.notice.given-up': {
    happened: ({ data }) => `notice "${data.about}" to ${data.to ?? 'the subject'} given up`,
    more: ({ data }) => `: ${data.reason}`,
  },
  'readmit.case.closed': { happened: ({ data }) => `case closed as ${data.outcome}`, more: nothing },
};

const classification: Sentences<OwnEvents<'classification'>> = {
  'readmit.case.classified': {
    happened: ({ data }) => `case classified as ${data.class}, ${data.tier}`,
    more: ({ data }) => `, by policy ${data.policy.version}: ${sentencesIn(data.reasons.map(({ rule, says }) => `${rule} ${says}`))}`,
  },
  'readmit.policy.activated': { happened: ({ data }) => `policy ${data.version} activated`, more: null },
  'readmit.people.attested': {
    happened: ({ data: { people } }) => `people attested: ${people.length === 0 ? 'none' : people.length}`,
    // Not who: a key holder need not learn who works on the case.
    more: ({ data }) => `, by the directory issued at ${data.directory.issuedAt}`,
  },
  'readmit.contact.shown': { happened: ({ data }) => `contact point of the subject shown to ${data.by}`, more: nothing },
};

const execution: Sentences<OwnEvents<'execution'>> = {
  'readmit.plan.proposed': {
    happened: () => 'plan proposed',
    more: ({ data }) => `: ${sentencesIn(data.plan.steps.map(({ says }) => says))}`,
  },
  'readmit.plan.refused': { happened: () => 'plan refused', more: ({ data }) => why(data) },
  'readmit.execution.started': {
    happened: () => 'execution started',
    more: ({ data }) => `; what it gives ends at ${data.endsAt} at the latest`,
  },
  'readmit.execution.succeeded': {
    happened: () => 'execution succeeded',
    more: ({ data: { gave = [] } }) => (gave.length === 0 ? '' : `: ${gave.map(affectedText).join(', ')}`),
  },
  'readmit.execution.failed': {
    happened: ({ data }) => `execution failed, effect: ${data.effect}`,
    more: ({ data }) => why(data),
  },
  'readmit.revocation.confirmed': {
    happened: ({ data: { how } }) => `revocation confirmed: ${ends[how]}`,
    more: ({ data: { undo, heldBy, sessionsEnded } }, seen) =>
      `${heldBy === undefined ? '' : ` (${heldBy.caseId})`}${about({ undo: undo ?? seen.undo })}; ${plural(sessionsEnded, 'session', 'sessions')} ended`,
  },
  'readmit.revocation.failed': {
    happened: ({ data }) => `revocation failed, try ${data.tries}`,
    more: ({ data }, seen) => `${about(seen)}; next try at ${data.retryAt}: ${data.reason}`,
  },
  'readmit.credential.used': {
    happened: ({ data }) => `one-time bypass used for ${data.object} at ${data.connector}`,
    more: ({ data }) => `, at ${data.usedAt}`,
  },
  'readmit.secret.picked-up': {
    happened: () => 'sealed secret picked up',
    more: ({ data }) => ` by the holder of the key ${data.recipient}`,
  },
  'readmit.enrolment.confirmed': {
    happened: ({ data }) => `new factor ${data.factor} enrolled for ${data.object} at ${data.connector}`,
    more: nothing,
  },
  'readmit.consumer.confirmed': { happened: ({ data }) => `new secret of ${data.object} used by ${data.consumer}`, more: nothing },
  'readmit.incident.raised': {
    happened: ({ data }) => `incident raised: ${data.reason}`,
    more: ({ data }) => ` (${data.rule}): ${data.says}`,
  },
  'readmit.finding.raised': {
    happened: ({ data }) => `${data.object} at ${data.connector} ${powers[data.power]}`,
    more: ({ data }) => `: ${data.facet} should be ${data.was || 'empty'} and is ${data.is || 'empty'}`,
  },
  'readmit.finding.cleared': {
    happened: ({ data }) => `finding at ${data.object} at ${data.connector} cleared`,
    more: ({ data }) => `: ${data.facet} is as it should be, or another case has changed it since`,
  },
};

const approval: Sentences<OwnEvents<'approval'>> = {
  'readmit.evidence.added': {
    happened: ({ data }) => `evidence added by ${data.collectedBy}: ${data.kind}`,
    more: ({ data }) => ` (${data.channel}, assurance ${assuranceName(data.assurance)}), valid until ${data.staleAt}`,
  },
  'readmit.approval.requested': {
    happened: () => 'approval requested',
    more: ({ data }) => `; it expires at ${data.decideBefore}`,
  },
  'readmit.decision.recorded': {
    happened: ({ data: { decision } }) =>
      decision.statement.decision === 'approve'
        ? `plan approved by ${decision.statement.approver}`
        : `request denied by ${decision.statement.approver}`,
    more: ({ data: { decision } }, { words }) => ` (${decision.proof.type})${words ? `: ${decision.statement.reason}` : ''}`,
  },
  'readmit.approval.granted': {
    happened: () => 'approval granted',
    more: ({ data }) =>
      ` by ${and([...new Set(data.decisions.map(({ statement }) => statement.approver))])} for ${durationText(data.durationSeconds)}; execution must start before ${data.goodUntil}`,
  },
  'readmit.approval.denied': { happened: ({ data }) => `approval denied by ${data.by}`, more: nothing },
  'readmit.approval.expired': { happened: () => 'approval expired', more: () => ': it was not decided in time' },
  'readmit.approval.withdrawn': { happened: ({ data }) => `request withdrawn by ${data.by}`, more: nothing },
  'readmit.attestation.wanted': { happened: ({ data }) => `attestation of ${data.person} requested`, more: nothing },
};

const scheduler: Sentences<OwnEvents<'revocation-scheduler'>> = {
  'readmit.obligation.recorded': {
    happened: () => 'obligation recorded',
    more: ({ data: { undo, hardBound } }) =>
      `: ${sentencesIn([undo.says])}${undo.armedBy === 'repudiation' ? ', if the case is repudiated, frozen or contained' : `, by ${hardBound} at the latest`}`,
  },
  'readmit.revocation.due': {
    happened: ({ data }) => `revocation due: ${causes[data.cause]}${data.by === undefined ? '' : ` by ${data.by}`}`,
    more: (_, seen) => about(seen),
  },
  'readmit.revocation.overdue': {
    happened: () => 'revocation overdue',
    more: ({ data }, seen) => `, due since ${data.dueSince}${about(seen)}`,
  },
  'readmit.obligation.discharged': { happened: ({ data }) => `obligation discharged: ${ends[data.how]}`, more: (_, seen) => about(seen) },
  // Not shown: what follows from a timer is an event itself.
  'readmit.deadline.reached': { happened: ({ data }) => `deadline of ${data.owner} reached for ${data.key}`, more: null },
  'readmit.containment.ordered': { happened: ({ data }) => `containment ordered by ${data.by}`, more: nothing },
};

const audit: Sentences<OwnEvents<'audit'>> = {
  'readmit.audit.recorded': { happened: () => 'recorded in the log', more: null },
  'readmit.checkpoint.signed': { happened: ({ data }) => `checkpoint of ${data.size} entries signed`, more: null },
  'readmit.violation.found': { happened: ({ data }) => `violation found: ${data.rule}`, more: ({ data }) => `: ${data.says}` },
};

const everyService = <S extends ServiceName>(service: S): Sentences<`readmit.${S}.${CommonKind}`> => {
  const of: Sentences<`readmit.intake.${CommonKind}`> = {
    'readmit.intake.refused': {
      happened: ({ data }) => `command ${data.command} by ${data.actor} refused`,
      more: ({ data }) => why(data),
    },
    'readmit.intake.deadline-set': {
      happened: ({ data: { key, deadline } }) =>
        `deadline of ${service} for ${key} ${deadline === null ? 'cancelled' : `set to ${deadline}`}`,
      more: null,
    },
    'readmit.intake.message-parked': {
      happened: ({ data }) => `message ${data.action} from ${data.topic}: ${data.reason}`,
      more: null,
    },
  };
  // The data of these kinds is the same for every service.
  return Object.fromEntries(
    Object.entries(of).map(([type, sentence]) => [type.replace('.intake.', `.${service}.`), sentence]),
  ) as unknown as Sentences<`readmit.${S}.${CommonKind}`>;
};

const sentences = {
  ...intake,
  ...classification,
  ...execution,
  ...approval,
  ...scheduler,
  ...audit,
  ...everyService('intake'),
  ...everyService('classification'),
  ...everyService('execution'),
  ...everyService('approval'),
  ...everyService('revocation-scheduler'),
  ...everyService('audit'),
} satisfies Sentences<EventType>;

const sentenceFor = <T extends EventType>(type: T): Sentence<T> => sentences[type] as unknown as Sentence<T>;

/** What happened, in one clause of ids and catalogue terms. */
export const happened = <T extends EventType>(fact: FactOf<T>): string => sentenceFor(fact.type).happened(fact);

/** The event as the timeline shows it; undefined: no timeline shows it. */
export function sentenceOf<T extends EventType>(fact: FactOf<T>, seen: SentenceContext = {}): string | undefined {
  const { more } = sentenceFor(fact.type);
  if (more === null) return undefined;
  const text = `${happened(fact)}${more(fact, seen)}`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;
}
