import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { System } from '@readmit/standalone';
import type { Held } from './checker.js';

/** Several looks in any second in which a grant could come and go: the shortest that is asked for lives longer. */
const lookEveryMs = 100;
/** Bypasses are asked for one by one: those of the last so many people are looked at each time, the others now and then. */
const lastPeople = 6;
const allEvery = 20;

interface Seen {
  readonly object: string;
  readonly mark: string;
  /** Of a bypass: the demo names the case that it was issued for. */
  readonly caseId?: string;
}
interface Followed extends Seen {
  readonly seen: string;
  last: string;
  gone: boolean;
}

/**
 * The history of the targets as they themselves show it, taken beside Readmit and by other accounts: every membership of `app_admin`
 * by the object id that PostgreSQL gives each new one, and every bypass by the id that the demo gives it.
 */
export class TargetWatch {
  private readonly followed = new Map<string, Followed>();
  private readonly client: pg.Client;
  private readonly system: System;
  private readonly people: string[];
  private looks = 0;
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();

  private constructor(client: pg.Client, system: System, people: readonly string[]) {
    this.client = client;
    this.system = system;
    this.people = [...people];
  }

  /** `people`: whose bypasses are followed. */
  static async start(system: System, people: readonly string[]): Promise<TargetWatch> {
    const password = (await readFile(path.join(system.stateDir, 'target', 'owner-password'), 'utf8')).trim();
    const client = new pg.Client({ host: '127.0.0.1', port: system.target.port, user: 'postgres', database: 'target', password });
    // The look under way fails with it.
    client.on('error', () => undefined);
    await client.connect();
    const watch = new TargetWatch(client, system, people);
    watch.loop = watch.run();
    // Said by `end`.
    watch.loop.catch(() => undefined);
    return watch;
  }

  /** Follows the bypasses of this person too. */
  follow(person: string): void {
    this.people.push(person);
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      await this.look();
      await delay(lookEveryMs);
    }
  }

  private async look(all = this.looks++ % allEvery === 0): Promise<void> {
    // Before the question: what the answer shows was there at the earliest then.
    const asked = new Date().toISOString();
    const people = all ? this.people : this.people.slice(-lastPeople);
    const held = [...(await this.memberships()), ...(await Promise.all(people.map((person) => this.bypasses(person)))).flat()];
    const answered = new Date().toISOString();
    const now = new Set(held.map(({ object, mark }) => `${object} ${mark}`));
    for (const one of held) {
      const known = this.followed.get(`${one.object} ${one.mark}`);
      if (known) Object.assign(known, { last: asked, gone: false });
      else this.followed.set(`${one.object} ${one.mark}`, { ...one, seen: answered, last: asked, gone: false });
    }
    const looked = (one: Seen): boolean => one.caseId === undefined || people.includes(one.object);
    for (const [name, one] of this.followed) if (!now.has(name) && looked(one)) one.gone = true;
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

  /** Looks a last time and gives the history. `caseOf`: whose case a login is, which PostgreSQL does not know. */
  async end(caseOf: (object: string) => string | undefined): Promise<readonly Held[]> {
    this.stopping = true;
    await this.loop;
    await this.look(true);
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

  /** Idempotent; what was not ended is given up. */
  async close(): Promise<void> {
    this.stopping = true;
    await this.loop.catch(() => undefined);
    await this.client.end();
  }
}
