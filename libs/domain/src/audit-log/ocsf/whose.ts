/** Whose case an entry belongs to, from earlier entries of the case: a SIEM reads one record at a time. */
import type { EventData, Fact } from '@readmit/contracts';
import type { Affected } from '../../case-view/sentences.js';

type Asked = Pick<EventData<'readmit.case.opened'>, 'subject' | 'requester'> & { readonly asks: readonly Affected[] };

/** What is stored about a case between entries: plain JSON. */
export interface KnownCase {
  /** From the entry that opened it. */
  readonly opened?: Asked;
  readonly granted?: {
    readonly approvers: readonly string[];
    /** What each obligation of the grant undoes. */
    readonly undoes: readonly (Affected & { readonly id: string })[];
  };
}
/** What a record has about its case. */
export interface Whose extends Pick<Asked, 'subject' | 'requester'> {
  /** From the grant on. */
  readonly approvers?: readonly string[];
  /** What the event's obligation undoes, or what the case asks for. */
  readonly what: readonly Affected[];
}

/** Bounds of the record: the event of the grant has none. No plan has more obligations, and no quorum more people. */
const maxUndoes = 20;
const maxApprovers = 100;

/**
 * What is known about the case with this event: the same object if nothing changes. A case is opened and granted once; of
 * repeated events, which other rules report, the first counts.
 */
export function foldCase(known: KnownCase, fact: Fact): KnownCase {
  if (fact.type === 'readmit.case.opened') return known.opened ? known : { ...known, opened: asked(fact.data) };
  if (fact.type === 'readmit.approval.granted') return known.granted ? known : { ...known, granted: grantOf(fact.data) };
  return known;
}

/** `known`: including this event. Undefined if the event belongs to no case, or the opening is not known. */
export function whoseOf(known: KnownCase, fact: Fact): Whose | undefined {
  // A repeated opening uses its own data.
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

/** Events of a case and refused commands. Timers and parked messages have a key but concern no account. */
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
