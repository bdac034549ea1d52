/** Whose case an entry belongs to, from what earlier entries of the case said: a SIEM reads one record at a time. */
import type { EventData, Fact } from '@readmit/contracts';
import type { Affected } from '../../case-view/sentences.js';

type Asked = Pick<EventData<'readmit.case.opened'>, 'subject' | 'requester'> & { readonly asks: readonly Affected[] };

/** What is kept of a case from entry to entry: plain JSON. */
export interface KnownCase {
  /** From the entry that opened it. */
  readonly opened?: Asked;
  readonly granted?: {
    readonly approvers: readonly string[];
    /** What each obligation of the grant undoes. */
    readonly undoes: readonly (Affected & { readonly id: string })[];
  };
}
/** What a record says of its case. */
export interface Whose extends Pick<Asked, 'subject' | 'requester'> {
  /** From the grant on. */
  readonly approvers?: readonly string[];
  /** What the event's obligation undoes, or what the case asks for. */
  readonly what: readonly Affected[];
}

/** A plan has no more obligations, and no quorum needs more people. The event of the grant has no bounds of its own. */
const maxUndoes = 20;
const maxApprovers = 100;

/**
 * What is known of the case once the event is in its log: the same object when that adds nothing. A case is opened once and granted once; of
 * those that come again, which the rules over the log report, the first counts.
 */
export function foldCase(known: KnownCase, fact: Fact): KnownCase {
  if (fact.type === 'readmit.case.opened') return known.opened ? known : { ...known, opened: asked(fact.data) };
  if (fact.type === 'readmit.approval.granted') return known.granted ? known : { ...known, granted: grantOf(fact.data) };
  return known;
}

/** `known`: as it is with the event. Undefined for what is about no case, and while nothing is known of its opening. */
export function whoseOf(known: KnownCase, fact: Fact): Whose | undefined {
  // One that is opened again says what it says itself.
  const opened = fact.type === 'readmit.case.opened' ? asked(fact.data) : known.opened;
  if (!opened || !isOfCase(fact)) return undefined;
  const { approvers = [], undoes = [] } = known.granted ?? {};
  const { data } = fact;
  const undo = 'obligationId' in data ? undoes.find(({ id }) => id === data.obligationId) : undefined;
  return {
    subject: opened.subject,
    requester: opened.requester,
    ...(approvers.length === 0 ? {} : { approvers }),
    what: undo ? [affected(undo)] : opened.asks,
  };
}

/** A case's own events and refused commands. A timer and a parked message name a key and are about no account. */
const isOfCase = ({ data }: Fact): boolean => 'caseId' in data || 'command' in data;

const asked = ({ subject, requester, asks }: EventData<'readmit.case.opened'>): Asked => ({
  subject,
  requester,
  asks: asks.map(affected),
});
const grantOf = ({ decisions, obligations }: EventData<'readmit.approval.granted'>): NonNullable<KnownCase['granted']> => ({
  approvers: [...new Set(decisions.flatMap(({ statement }) => (statement.decision === 'approve' ? [statement.approver] : [])))].slice(
    0,
    maxApprovers,
  ),
  undoes: obligations.slice(0, maxUndoes).map((undo) => ({ id: undo.id, ...affected(undo) })),
});
const affected = ({ kind, connector, object, entitlement }: Affected): Affected => ({
  kind,
  connector,
  object,
  ...(entitlement === undefined ? {} : { entitlement }),
});
