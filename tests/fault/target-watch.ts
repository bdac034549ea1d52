import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { System } from '@readmit/standalone';
import type { Held } from './checker.js';

/** Grants last for seconds, so none is missed. */
const pollEveryMs = 100;
/** The demo is asked for the bypass of each person: of these last people every time, of all people in every 20th poll. */
const lastPeople = 6;
const allEvery = 20;

interface Seen {
  readonly object: string;
  readonly mark: string;
  /** For a bypass: the case for which the demo issued it. */
  readonly caseId?: string;
}
interface Followed extends Seen {
  readonly seen: string;
  last: string;
  gone: boolean;
}

/**
 * The history of the targets, observed with other accounts than Readmit's: every membership of `app_admin` by its object id in PostgreSQL, and
 * every bypass by its id in the demo.
 */
export class TargetWatch {
  private readonly followed = new Map<string, Followed>();
  private readonly client: pg.Client;
  private readonly system: System;
  private readonly people: string[];
  private polls = 0;
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();

  private constructor(client: pg.Client, system: System, people: readonly string[]) {
    this.client = client;
    this.system = system;
    this.people = [...people];
  }

  /** `people`: whose bypasses are observed. */
  static async start(system: System, people: readonly string[]): Promise<TargetWatch> {
    const password = (await readFile(path.join(system.stateDir, 'target', 'owner-password'), 'utf8')).trim();
    const client = new pg.Client({ host: '127.0.0.1', port: system.target.port, user: 'postgres', database: 'target', password });
    // The current poll fails with this error.
    client.on('error', () => undefined);
    await client.connect();
    const watch = new TargetWatch(client, system, people);
    watch.loop = watch.run();
    // Reported by `end`.
    watch.loop.catch(() => undefined);
    return watch;
  }

  /** Observes the bypasses of this person, too. */
  follow(person: string): void {
    this.people.push(person);
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      await this.poll();
      await delay(pollEveryMs);
    }
  }

  private async poll(all = this.polls++ % allEvery === 0): Promise<void> {
    // Time before the queries: their results were not seen earlier than this.
    const before = new Date().toISOString();
    const people = all ? this.people : this.people.slice(-lastPeople);
    const held = [...(await this.memberships()), ...(await Promise.all(people.map((person) => this.bypasses(person)))).flat()];
    const after = new Date().toISOString();
    const now = new Set(held.map(({ object, mark }) => `${object} ${mark}`));
    for (const one of held) {
      const known = this.followed.get(`${one.object} ${one.mark}`);
      if (known) Object.assign(known, { last: before, gone: false });
      else this.followed.set(`${one.object} ${one.mark}`, { ...one, seen: after, last: before, gone: false });
    }
    const polled = (one: Seen): boolean => one.caseId === undefined || people.includes(one.object);
    for (const [name, one] of this.followed) if (!now.has(name) && polled(one)) one.gone = true;
  }

  private async memberships(): Promise<readonly Seen[]> {
    const { rows } = await this.client.query<{ object: string; mark: string }>(
      `SELECT r.rolname AS object, 'membership ' || m.oid AS mark
       FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
       WHERE g.rolname = 'app_admin' AND r.rolname LIKE 'fault%'`,
    );
    return rows;
  }

  private async bypasses(person: string): Promise<readonly Seen[]> {
    const { demo } = this.system;
    const response = await fetch(`${demo.url}/demo/admin/people/${person}`, {
      headers: { authorization: `Bearer ${await demo.token('readmit-execution')}` },
    });
    const { bypass } = (await response.json()) as { bypass: { state: string; id?: string; for?: string } };
    if (!['active', 'used'].includes(bypass.state) || bypass.id === undefined || bypass.for === undefined) return [];
    return [{ object: person, mark: `bypass ${bypass.id}`, caseId: bypass.for }];
  }

  /** Polls a last time and returns the history. `caseOf`: the case of a login, which PostgreSQL does not know. */
  async end(caseOf: (object: string) => string | undefined): Promise<readonly Held[]> {
    this.stopping = true;
    await this.loop;
    await this.poll(true);
    await this.close();
    return [...this.followed.values()].map(({ object, mark, caseId, seen, last, gone }) => ({
      object,
      mark,
      caseId: caseId ?? caseOf(object) ?? 'nobody',
      seen,
      last,
      gone,
      renewable: caseId !== undefined,
    }));
  }

  /** Idempotent; without `end` the history is lost. */
  async close(): Promise<void> {
    this.stopping = true;
    await this.loop.catch(() => undefined);
    await this.client.end();
  }
}
