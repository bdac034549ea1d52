import type { EventData } from '@readmit/contracts';
import { refusal, type CommandRefusal } from '@readmit/domain';
import type { Store } from '@readmit/store';

type Asked = Pick<EventData<'readmit.case.opened'>, 'subject' | 'requester'> & {
  readonly asks: readonly { readonly connector: string; readonly object: string }[];
};
/** How many cases may be open at once; of subject and object at most half of them asked without a sign-in. */
export interface OpenLimits {
  readonly subject: number;
  readonly requester: number;
  readonly object: number;
}
/** The name under which the open cases of a subject are counted. */
export const subjectBound = (subject: string): string => JSON.stringify(['subject', subject]);
type Kind = keyof OpenLimits | 'anonymous-subject' | 'anonymous-object';

/** Every name under which an open case is counted, as `open_case.bound` has it. */
export function boundsOf({ subject, requester, asks }: Asked): readonly { readonly bound: string; readonly kind: Kind }[] {
  const anonymous = requester.kind === 'anonymous';
  const named = (kind: Kind, ...ids: readonly string[]) => ({ kind, bound: JSON.stringify([kind, ...ids]) });
  const objects = asks.flatMap(({ connector, object }) => [
    named('object', connector, object),
    ...(anonymous ? [named('anonymous-object', connector, object)] : []),
  ]);
  return [
    named('subject', subject.id),
    ...(anonymous ? [named('anonymous-subject', subject.id)] : []),
    ...(requester.id === undefined ? [] : [named('requester', requester.id)]),
    ...new Map(objects.map((one) => [one.bound, one])).values(),
  ];
}

/**
 * Bounds the cases that are open at once: asking is free, and each costs a reading of the target, notices and somebody's attention. Places
 * of requests under way are held here, so that many at once are not all counted before any of them is there. Held by one process: of several,
 * each may let in what there was room for when it looked.
 */
export class OpenCases {
  /** Requests under way, each with its case, under each of their bounds, the earliest first. */
  private readonly held = new Map<string, Set<{ readonly caseId: string }>>();

  constructor(
    private readonly store: Pick<Store, 'query'>,
    private readonly limits: OpenLimits,
  ) {}

  /** Runs `open` when there is room; a request for a case that is there already is a repetition and needs none. */
  async within<R>(caseId: string, asked: Asked, open: () => Promise<R>): Promise<R | { readonly refused: CommandRefusal }> {
    // Behind those that came before: who comes later does not push an earlier request out.
    const bounds = boundsOf(asked).map((one) => ({ ...one, before: this.othersUnderWay(one.bound, caseId) }));
    // A place is of this request alone: another one for the same case keeps its own when this one ends.
    const place = { caseId };
    for (const { bound } of bounds) this.held.set(bound, (this.held.get(bound) ?? new Set()).add(place));
    try {
      const full = await this.full(caseId, bounds);
      return full ? { refused: full } : await open();
    } finally {
      for (const { bound } of bounds) {
        const left = this.held.get(bound);
        left?.delete(place);
        if (left?.size === 0) this.held.delete(bound);
      }
    }
  }

  /** Cases of the subject that are not closed, in the order of their ids, behind `after`. */
  async ofSubject(subject: string, after: string, limit: number): Promise<readonly string[]> {
    const rows = await this.store.query<{ case_id: string }>(
      'SELECT case_id FROM open_case WHERE bound = $1 AND case_id > $2 ORDER BY case_id LIMIT $3',
      [subjectBound(subject), after, limit],
    );
    return rows.map((row) => row.case_id);
  }

  private othersUnderWay(bound: string, caseId: string): readonly string[] {
    const cases = new Set([...(this.held.get(bound) ?? [])].map((place) => place.caseId));
    return [...cases].filter((id) => id !== caseId);
  }

  private async full(
    caseId: string,
    bounds: readonly { readonly bound: string; readonly kind: Kind; readonly before: readonly string[] }[],
  ): Promise<CommandRefusal | undefined> {
    const rows = await this.store.query<{ known: boolean; bound: string | null; count: number | null }>(
      // Those under way may be committed meanwhile: they are counted here by their place alone.
      `SELECT EXISTS (SELECT FROM case_ledger WHERE case_id = $2) AS known, o.bound, o.count
       FROM (SELECT) one LEFT JOIN
         (SELECT bound, count(*)::int FROM open_case WHERE bound = ANY ($1) AND case_id <> ALL ($3) GROUP BY bound) o ON true`,
      [bounds.map(({ bound }) => bound), caseId, [...new Set(bounds.flatMap(({ before }) => before))]],
    );
    if (rows[0]?.known) return undefined;
    const open = new Map(rows.map(({ bound, count }) => [bound, count ?? 0]));
    const first = bounds.find(({ bound, kind, before }) => (open.get(bound) ?? 0) + before.length + 1 > this.limitOf(kind));
    return first && tooMany(first.kind, this.limitOf(first.kind));
  }

  private limitOf(kind: Kind): number {
    const { limits } = this;
    if (kind === 'anonymous-subject') return Math.ceil(limits.subject / 2);
    if (kind === 'anonymous-object') return Math.ceil(limits.object / 2);
    return limits[kind];
  }
}

const of: Readonly<Record<Kind, string>> = {
  subject: 'about this subject',
  'anonymous-subject': 'about this subject that were asked for without a sign-in',
  requester: 'that you asked for',
  object: 'about this account',
  'anonymous-object': 'about this account that were asked for without a sign-in',
};
const tooMany = (kind: Kind, limit: number): CommandRefusal =>
  refusal(
    'conflict',
    'R6.2',
    'too-many-open-cases',
    `There are ${limit} open cases ${of[kind]}, and there may be no more. Withdraw or end one of them, wait until one is closed, or call the help desk.`,
  );
