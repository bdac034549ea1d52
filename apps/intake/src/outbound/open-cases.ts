import type { EventData } from '@readmit/contracts';
import { refusal, type CommandRefusal } from '@readmit/domain';
import type { Store } from '@readmit/store';

type Requested = Pick<EventData<'readmit.case.opened'>, 'subject' | 'requester'> & {
  readonly asks: readonly { readonly connector: string; readonly object: string }[];
};
/** How many cases may be open at once. For subject and object, at most half of them by requesters who are not signed in. */
export interface OpenLimits {
  readonly subject: number;
  readonly requester: number;
  readonly object: number;
}
/** The key by which the open cases of a subject are counted. */
export const subjectBound = (subject: string): string => JSON.stringify(['subject', subject]);
type Kind = keyof OpenLimits | 'anonymous-subject' | 'anonymous-object';

/** Every key by which an open case is counted, as in `open_case.bound`. */
export function boundsOf({ subject, requester, asks }: Requested): readonly { readonly bound: string; readonly kind: Kind }[] {
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
 * Limits the cases that are open at once: a request costs its sender nothing, but each case costs a read of the target, notices and
 * people's attention. Pending requests are counted here, so that a burst cannot pass the check before any of them is stored. They are
 * counted per process: with several, each may exceed the limit by its pending requests.
 */
export class OpenCases {
  /** Pending requests with their case, by each key that counts them, the earliest first. */
  private readonly pending = new Map<string, Set<{ readonly caseId: string }>>();

  constructor(
    private readonly store: Pick<Store, 'query'>,
    private readonly limits: OpenLimits,
  ) {}

  /** Runs `open` if no limit is reached. A request for a case that exists is a retry and is not counted. */
  async within<R>(caseId: string, requested: Requested, open: () => Promise<R>): Promise<R | { readonly refused: CommandRefusal }> {
    // Only requests that came earlier count: a later one cannot make an earlier one fail.
    const bounds = boundsOf(requested).map((one) => ({ ...one, before: this.othersPending(one.bound, caseId) }));
    // One entry per request: when it ends, a concurrent retry for the same case is still counted.
    const entry = { caseId };
    for (const { bound } of bounds) this.pending.set(bound, (this.pending.get(bound) ?? new Set()).add(entry));
    try {
      const exceeded = await this.exceeded(caseId, bounds);
      return exceeded ? { refused: exceeded } : await open();
    } finally {
      for (const { bound } of bounds) {
        const left = this.pending.get(bound);
        left?.delete(entry);
        if (left?.size === 0) this.pending.delete(bound);
      }
    }
  }

  /** Cases of the subject that are not closed, by id, starting after `after`. */
  async ofSubject(subject: string, after: string, limit: number): Promise<readonly string[]> {
    const rows = await this.store.query<{ case_id: string }>(
      'SELECT case_id FROM open_case WHERE bound = $1 AND case_id > $2 ORDER BY case_id LIMIT $3',
      [subjectBound(subject), after, limit],
    );
    return rows.map((row) => row.case_id);
  }

  private othersPending(bound: string, caseId: string): readonly string[] {
    const cases = new Set([...(this.pending.get(bound) ?? [])].map((entry) => entry.caseId));
    return [...cases].filter((id) => id !== caseId);
  }

  private async exceeded(
    caseId: string,
    bounds: readonly { readonly bound: string; readonly kind: Kind; readonly before: readonly string[] }[],
  ): Promise<CommandRefusal | undefined> {
    const rows = await this.store.query<{ known: boolean; bound: string | null; count: number | null }>(
      // Pending requests may have been committed meanwhile: they are excluded here, because `before` counts them.
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

const counted: Readonly<Record<Kind, string>> = {
  subject: 'about this subject',
  'anonymous-subject': 'about this subject that were requested without a sign-in',
  requester: 'that you requested',
  object: 'about this account',
  'anonymous-object': 'about this account that were requested without a sign-in',
};
const tooMany = (kind: Kind, limit: number): CommandRefusal =>
  refusal(
    'conflict',
    'R6.2',
    'too-many-open-cases',
    `There are already ${limit} open cases ${counted[kind]}, which is the limit. Withdraw or end one of them, wait until one is closed, or call the help desk.`,
  );
