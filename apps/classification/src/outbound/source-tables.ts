/** The tables of the live source: what it had last, who reads it, and how old that is. */
import { fold, type LivePerson } from '@readmit/domain';
import type { Store, Tx } from '@readmit/store';
import type { FactSink, FactSource, SourcePerson } from './fact-source.js';

/** State of the source before a run, which holds the lease. */
export interface SourceRun {
  readonly pass: string;
  /** Undefined: never read completely with this mapping. */
  readonly readAt: Date | undefined;
  readonly mark: string | undefined;
  /** Entries that the last complete pass would have removed. */
  readonly removals: number;
}

/** `problem`: why the last run failed. */
export type SourceState =
  | { readonly readAt: Date; readonly polledAt: Date; readonly problem: string | undefined }
  /** Never read completely with this mapping. */
  | { readonly readAt: undefined; readonly problem: string | undefined };

const leaseSeconds = 120;
/** Of each team; of larger ones, members are attested when they act. */
const maxOfTeam = 201;
/** Two entries with one id are as many as any more: none of them counts. */
const maxOfId = 2;

/**
 * Entries at places of an array. LIMIT keeps the order of the join: before the first statistics the planner believes that the table is empty,
 * and would read all of it. An entry that was deleted and made again at the same place may be there twice until the next complete pass.
 */
const atPlaces = (source: string, places: string): string =>
  `unnest(${places}::text[]) AS asked(place) CROSS JOIN LATERAL (
     SELECT place, entry FROM directory_person
     WHERE source = ${source} AND md5(place) = md5(asked.place) AND place = asked.place LIMIT 10) AS p`;

export class SourceTables {
  constructor(
    private readonly store: Pick<Store, 'query' | 'transaction'>,
    private readonly source: Pick<FactSource, 'name' | 'mapping'>,
    /** Of this process. */
    private readonly reader: string,
  ) {}

  /** Takes or keeps the lease and begins a run; undefined while another process reads. */
  async take(): Promise<SourceRun | undefined> {
    const { name, mapping } = this.source;
    await this.store.query('INSERT INTO directory_source (source) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
    const [row] = await this.store.query<{
      pass: string;
      read_at: Date | null;
      mark: string | null;
      mapping: string | null;
      removals: number;
    }>(
      `UPDATE directory_source SET pass = pass + 1, lease_by = $2, lease_until = now() + make_interval(secs => $3)
       WHERE source = $1 AND (lease_by = $2 OR lease_until < now()) RETURNING pass, read_at, mark, mapping, removals`,
      [name, this.reader, leaseSeconds],
    );
    if (!row) return undefined;
    const known = row.mapping === mapping && row.read_at !== null;
    return {
      pass: row.pass,
      readAt: known ? (row.read_at ?? undefined) : undefined,
      mark: known ? (row.mark ?? undefined) : undefined,
      removals: row.removals,
    };
  }

  /** Saves what a run reads, one transaction a batch. */
  sink(run: SourceRun, now: () => Date): FactSink {
    const { name } = this.source;
    return {
      people: (batch) => this.leased(run, (tx) => savePeople(tx, name, run.pass, now(), batch)),
      known: async (places) => {
        const rows = await this.store.query<{ place: string }>(`SELECT p.place FROM ${atPlaces('$2', '$1')}`, [places, name]);
        return new Set(rows.map(({ place }) => place));
      },
      members: (label, { places, entries }) =>
        this.leased(run, async (tx) => {
          await tx.query(
            `INSERT INTO directory_member (source, label, entry, pass)
             SELECT $1::text, $2::text, p.entry, $3::bigint FROM ${atPlaces('$1', '$4')}
             UNION SELECT p.source, $2::text, p.entry, $3::bigint FROM directory_person p WHERE p.source = $1 AND p.entry = ANY($5)
             ON CONFLICT (source, label, entry) DO UPDATE SET pass = excluded.pass`,
            [name, label, run.pass, places, entries],
          );
        }),
      complete: (label) =>
        this.leased(run, async (tx) => {
          await tx.query('DELETE FROM directory_member WHERE source = $1 AND label = $2 AND pass < $3', [name, label, run.pass]);
        }),
    };
  }

  /** Ends a run that read what changed. */
  async changed(run: SourceRun, mark: string, now: Date): Promise<void> {
    await this.leased(run, async (tx) => {
      await tx.query('UPDATE directory_source SET polled_at = $2, mark = $3, problem = NULL WHERE source = $1', [
        this.source.name,
        now,
        mark,
      ]);
    });
  }

  /**
   * Ends a complete pass that began at `startedAt`: removes whom it did not see, unless those are more than a tenth of the people and more than
   * `accepted`. Then nothing is removed, and the source gets old until an operator has decided.
   * @returns how many were not removed.
   */
  async complete(run: SourceRun, mark: string, times: { readonly startedAt: Date; readonly now: Date }, accepted: number): Promise<number> {
    const { name, mapping } = this.source;
    return this.leased(run, async (tx) => {
      const [row] = await tx.query<{ people: number; gone: number }>(
        'SELECT count(*)::int AS people, (count(*) FILTER (WHERE pass < $2))::int AS gone FROM directory_person WHERE source = $1',
        [name, run.pass],
      );
      const { people, gone } = row ?? { people: 0, gone: 0 };
      if (gone * 10 > people && gone > accepted) {
        await tx.query('UPDATE directory_source SET removals = $2, polled_at = $3, problem = NULL WHERE source = $1', [
          name,
          gone,
          times.now,
        ]);
        return gone;
      }
      await tx.query('DELETE FROM directory_person WHERE source = $1 AND pass < $2', [name, run.pass]);
      // Of a source or a label that is no longer configured.
      await tx.query('DELETE FROM directory_member WHERE source = $1 AND pass < $2', [name, run.pass]);
      await tx.query(
        `UPDATE directory_source SET read_at = $2, polled_at = $3, mark = $4, mapping = $5, removals = 0, problem = NULL WHERE source = $1`,
        [name, times.startedAt, times.now, mark, mapping],
      );
      return 0;
    });
  }

  async failed(run: SourceRun, problem: string): Promise<void> {
    await this.store.query('UPDATE directory_source SET problem = $3 WHERE source = $1 AND pass = $2', [
      this.source.name,
      run.pass,
      problem,
    ]);
  }

  /** Ends the lease, so that another process need not wait for its end. */
  async leave(): Promise<void> {
    await this.store.query("UPDATE directory_source SET lease_until = '-infinity', lease_by = NULL WHERE source = $1 AND lease_by = $2", [
      this.source.name,
      this.reader,
    ]);
  }

  async state(): Promise<SourceState> {
    const [row] = await this.store.query<{ read_at: Date | null; polled_at: Date | null; problem: string | null; mapping: string | null }>(
      'SELECT read_at, polled_at, problem, mapping FROM directory_source WHERE source = $1',
      [this.source.name],
    );
    const problem = row?.problem ?? undefined;
    return row?.read_at && row.polled_at && row.mapping === this.source.mapping
      ? { readAt: row.read_at, polledAt: row.polled_at, problem }
      : { readAt: undefined, problem };
  }

  /** Entries with one of the ids in any spelling, and some of the members of the teams. */
  async people(ids: readonly string[], teams: readonly string[]): Promise<readonly LivePerson[]> {
    const rows = await this.store.query<PersonRow>(
      `WITH asked AS (
         SELECT entry FROM directory_person WHERE source = $1 AND folded = ANY($2)
         UNION SELECT m.entry FROM unnest($3::text[]) AS team(label)
           CROSS JOIN LATERAL (SELECT entry FROM directory_member WHERE source = $1 AND label = team.label LIMIT $4) AS m
       ), named AS (
         SELECT DISTINCT p.folded FROM asked CROSS JOIN LATERAL (
           SELECT folded FROM directory_person WHERE source = $1 AND entry = asked.entry LIMIT 1) AS p
       )
       SELECT p.id, p.human, p.employment, p.contacts, p.accounts, p.read_at,
         (SELECT m.id FROM directory_person m
           WHERE m.source = $1 AND md5(m.place) = md5(p.manager_place) AND m.place = p.manager_place LIMIT 1) AS manager,
         ARRAY(SELECT m.label FROM directory_member m WHERE m.source = $1 AND m.entry = p.entry) AS labels
       FROM named n CROSS JOIN LATERAL (
         SELECT id, entry, human, employment, contacts, accounts, read_at, manager_place FROM directory_person
         WHERE source = $1 AND folded = n.folded LIMIT $5) AS p
       ORDER BY p.id, p.entry`,
      [this.source.name, [...new Set(ids.map(fold))], teams.map((team) => `team:${team}`), maxOfTeam, maxOfId],
    );
    return rows.map(livePerson);
  }

  /** A transaction that fails if another process has begun a run since. */
  private leased<R>(run: SourceRun, work: (tx: Tx) => Promise<R>): Promise<R> {
    return this.store.transaction(async (tx) => {
      const held = await tx.query(
        `UPDATE directory_source SET lease_until = now() + make_interval(secs => $4)
         WHERE source = $1 AND pass = $2 AND lease_by = $3 RETURNING pass`,
        [this.source.name, run.pass, this.reader, leaseSeconds],
      );
      if (held.length === 0) throw new LeaseLost(`another process reads the source ${this.source.name} by now`);
      return work(tx);
    });
  }
}

/** This run took too long and another process has taken over: nothing is wrong with the source. */
export class LeaseLost extends Error {}

interface PersonRow {
  readonly id: string;
  readonly human: string | null;
  readonly employment: LivePerson['employment'];
  readonly contacts: LivePerson['contacts'];
  readonly accounts: LivePerson['accounts'];
  readonly read_at: Date;
  readonly manager: string | null;
  readonly labels: readonly string[];
}

function livePerson({ id, human, employment, contacts, accounts, read_at, manager, labels }: PersonRow): LivePerson {
  const after = (prefix: string): string[] => labels.flatMap((label) => (label.startsWith(prefix) ? [label.slice(prefix.length)] : []));
  return {
    id,
    human: human ?? undefined,
    employment,
    manager: manager ?? undefined,
    contacts,
    accounts,
    teams: after('team:').sort(),
    authority: Math.max(0, ...after('authority:').map(Number)),
    privileged: labels.includes('privileged'),
    readAt: read_at.toISOString(),
  };
}

/** @returns whether an entry is new, or has moved. */
async function savePeople(tx: Tx, source: string, pass: string, now: Date, batch: readonly SourcePerson[]): Promise<boolean> {
  const column = <T>(of: (person: SourcePerson) => T): T[] => batch.map(of);
  const before = await tx.query<{ entry: string; place: string }>(
    'SELECT entry, place FROM directory_person WHERE source = $1 AND entry = ANY($2)',
    [source, column(({ entry }) => entry)],
  );
  const places = new Map(before.map(({ entry, place }) => [entry, place]));
  await tx.query(
    `INSERT INTO directory_person (source, entry, place, id, folded, human, employment, manager_place, contacts, accounts, read_at, pass)
     SELECT $1::text, l.*, $11::timestamptz, $12::bigint
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[], $10::jsonb[]) AS l
     ON CONFLICT (source, entry) DO UPDATE SET place = excluded.place, id = excluded.id, folded = excluded.folded, human = excluded.human,
       employment = excluded.employment, manager_place = excluded.manager_place, contacts = excluded.contacts,
       accounts = excluded.accounts, read_at = excluded.read_at, pass = excluded.pass`,
    [
      source,
      column(({ entry }) => entry),
      column(({ place }) => place),
      column(({ id }) => id),
      column(({ id }) => fold(id)),
      column(({ human }) => human ?? null),
      column(({ employment }) => employment),
      column(({ managerPlace }) => managerPlace ?? null),
      column(({ contacts }) => JSON.stringify(contacts)),
      column(({ accounts }) => JSON.stringify(accounts)),
      now,
      pass,
    ],
  );
  return batch.some(({ entry, place }) => places.get(entry) !== place);
}
