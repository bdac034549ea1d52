/**
 * A real PostgreSQL behind the real connector, observed: all roles and memberships are read before and after each call of the executor, so that
 * its changes are known whatever it returned. A DBA also changes it, between and during calls.
 */
import { postgresConnector, prepareExecutor, scramVerifier, TargetError, type Connector, type Sealed } from '@readmit/connectors';
import type { Plan, Step, Undo } from '@readmit/contracts';
import { startPostgresRelease, type PostgresRelease } from '@readmit/testing';
import { Client, DatabaseError, escapeIdentifier } from 'pg';
import { actsOf, type Act, type Kind } from './acts.js';

const password = 'password-of-a-test-0001';
const executor = 'readmit_exec';
const account = { object: 'payroll', ownerRole: 'payroll', logins: ['payroll_a', 'payroll_b'] as [string, string] };

export interface Role {
  readonly oid: string;
  readonly name: string;
  readonly login: boolean;
  readonly until: string | null;
  readonly secret: string | null;
}
export interface Membership {
  readonly role: string;
  readonly member: string;
  readonly grantor: string;
}
export interface Shown {
  readonly roles: readonly Role[];
  readonly memberships: readonly Membership[];
}
/** One call of the executor: what it was about, and the target before and after it. */
export interface Call {
  readonly method: 'plan' | 'read' | 'execute' | 'undo' | 'observe';
  readonly caseId?: string;
  readonly step?: Step;
  readonly undo?: Undo;
  readonly plan?: Plan;
  /** Number of events published before the call. */
  readonly at: number;
  readonly before: Shown;
  readonly after: Shown;
}
export type Fault = 'refused' | 'away' | 'no-response' | 'refused-after' | 'killed-before' | 'killed-after';

const shows = `SELECT json_build_object(
  'roles', (SELECT json_agg(json_build_object('oid', oid::text, 'name', rolname, 'login', rolcanlogin, 'secret', rolpassword,
      'until', CASE WHEN isfinite(rolvaliduntil) THEN extract(epoch FROM rolvaliduntil)::text END)) FROM pg_authid WHERE oid >= 16384),
  'memberships', (SELECT json_agg(json_build_object('role', roleid::text, 'member', member::text, 'grantor', grantor::text))
      FROM pg_auth_members WHERE roleid >= 16384)) AS shown`;

export async function openSession(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

export interface Session {
  readonly pid: number;
  readonly client: Client;
  readonly login: 'erin' | 'kim';
}

/** The cluster of one release; each run begins with new roles. */
export class RealTarget {
  executorOid = '';
  /** Oids of this run: of the login, its role, the first login of the account. */
  oids: Readonly<Record<string, string>> = {};
  readonly sessions: Session[] = [];
  calls: Call[] = [];
  sealed: Sealed[] = [];
  did: string[] = [];
  /** Actions during the next call of that kind. */
  armed: { readonly at: 'read' | 'execute' | 'undo'; readonly act: () => Fault | undefined | Promise<Fault | undefined> }[] = [];
  lost: () => void = () => {};
  publishedSoFar: () => number = () => 0;
  private acts = 0;
  private readonly extra: Client[] = [];

  private constructor(
    private readonly port: number,
    private readonly dba: Client,
    private readonly remove: () => Promise<void>,
    private readonly real: Connector,
  ) {}

  static async start(release: PostgresRelease): Promise<RealTarget> {
    const server = await startPostgresRelease(release);
    const first = await openSession(server.url);
    await first.query(`CREATE ROLE dba LOGIN SUPERUSER PASSWORD '${scramVerifier(password)}'; CREATE TABLE ledger (line text)`);
    await first.end();
    await prepareExecutor(server.url, { executor, password, grantable: [], accounts: [] });
    const urlOf = (login: string): string => `postgres://${login}:${password}@127.0.0.1:${server.port}/postgres`;
    const real = postgresConnector({ name: 'target', url: urlOf(executor), roles: [account], callTimeoutMs: 5000 });
    return new RealTarget(server.port, await openSession(urlOf('dba')), server.remove, real);
  }
  async stop(): Promise<void> {
    await this.release();
    await this.dba.end();
    await this.remove();
  }

  async rows<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return (await this.dba.query(sql, [...parameters])).rows as Row[];
  }
  async shown(): Promise<Shown> {
    const [{ shown } = { shown: { roles: [], memberships: [] } }] = await this.rows<{ shown: Shown }>(shows);
    return { roles: shown.roles ?? [], memberships: shown.memberships ?? [] };
  }
  urlOf = (login: string, secret = password): string =>
    `postgres://${encodeURIComponent(login)}:${encodeURIComponent(secret)}@127.0.0.1:${this.port}/postgres`;

  private async release(): Promise<void> {
    for (const client of [...this.sessions.map((one) => one.client), ...this.extra]) await client.end().catch(() => {});
    this.sessions.length = this.extra.length = 0;
  }

  /** Removes everything from earlier runs and creates the logins and roles of a run. */
  async begin([zone, style]: readonly [string, string]): Promise<void> {
    await this.release();
    await this.rows(`DO $$ DECLARE it record; BEGIN
      FOR it IN SELECT rolname FROM pg_roles WHERE oid >= 16384 AND rolname NOT IN ('${executor}', 'dba') LOOP
        EXECUTE format('DROP OWNED BY %1$I CASCADE', it.rolname); END LOOP;
      FOR it IN SELECT rolname FROM pg_roles WHERE oid >= 16384 AND rolname NOT IN ('${executor}', 'dba') LOOP
        EXECUTE format('DROP ROLE %I', it.rolname); END LOOP; END $$`);
    const create = (login: string): string => `CREATE ROLE ${login} LOGIN PASSWORD '${scramVerifier(password)}';`;
    await this
      .rows(`CREATE ROLE app_admin; CREATE ROLE app_reader; CREATE ROLE payroll; ${create('erin')} ${create('kim')} ${create('payroll_a')}
      GRANT app_reader TO erin; GRANT SELECT ON ledger TO app_admin;
      GRANT app_admin, payroll, payroll_a TO ${executor} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
      GRANT payroll TO payroll_a GRANTED BY ${executor};
      ALTER ROLE ${executor} SET timezone = '${zone}'; ALTER ROLE ${executor} SET datestyle = '${style}'`);
    this.oids = Object.fromEntries((await this.shown()).roles.map(({ name, oid }) => [name, oid]));
    this.executorOid = this.oids[executor] ?? '';
    Object.assign(this, { calls: [], sealed: [], did: [], armed: [], acts: 0 });
  }

  /** A change by a DBA, if it is still possible. */
  async act(kind: Kind, act: Act): Promise<void> {
    const { roles } = await this.shown();
    const nameOf = (first: string): string | undefined => roles.find(({ oid }) => oid === this.oids[first])?.name;
    const sql = actsOf[kind][act]?.(nameOf, (name) => escapeIdentifier(name), ++this.acts);
    if (sql === undefined) return;
    try {
      await this.rows(sql);
      this.did.push(act);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
    }
  }

  /** Opens a session that uses the role, if the login may, and keeps it open. */
  async use(login: Session['login']): Promise<void> {
    const { roles, memberships } = await this.shown();
    const nameOf = (first: string): string | undefined => roles.find(({ oid }) => oid === this.oids[first])?.name;
    const [name, role] = [nameOf(login), nameOf('app_admin')];
    if (name === undefined || role === undefined) return;
    const client = await openSession(this.urlOf(name)).catch(() => undefined);
    if (!client) return;
    try {
      await client.query(`SET ROLE ${escapeIdentifier(role)}`);
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const own = memberships.some((one) => one.role === this.oids['app_admin'] && one.member === this.oids['erin'] && !this.isOurs(one));
      if (!own && rows[0]) this.sessions.push({ client, pid: rows[0].pid, login });
      else this.extra.push(client);
    } catch {
      await client.end();
    }
  }
  isOurs = ({ grantor }: Membership): boolean => grantor === this.executorOid;
  keepOpen = (client: Client): void => void this.extra.push(client);

  /** Open sessions that use the role only because of the executor's grant. */
  async stillOpen(): Promise<readonly Session[]> {
    const alive = await this.rows<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::int[])', [
      this.sessions.map(({ pid }) => pid),
    ]);
    return this.sessions.filter(({ pid }) => alive.some((one) => one.pid === pid));
  }

  private async watched<T>(call: Omit<Call, 'before' | 'after' | 'at'>, make: () => Promise<T>): Promise<T> {
    let fault: Fault | undefined;
    const now = this.armed.filter(({ at }) => at === call.method);
    this.armed = this.armed.filter(({ at }) => at !== call.method);
    for (const { act } of now) fault = (await act()) ?? fault;
    if (fault === 'killed-before') this.lost();
    if (fault === 'refused') throw new TargetError('refused', 'none', 'refused');
    if (fault === 'away' || fault === 'killed-before') throw new TargetError('away', 'none', 'unreachable');
    const at = this.publishedSoFar();
    const before = await this.shown();
    try {
      const result = await make();
      if (fault === 'killed-after') this.lost();
      if (fault === 'killed-after' || fault === 'no-response') throw new TargetError('no response', 'unknown', 'timeout');
      if (fault === 'refused-after') throw new TargetError('refused', 'unknown', 'refused');
      return result;
    } finally {
      this.calls.push({ ...call, at, before, after: await this.shown() });
    }
  }

  get connector(): Connector {
    return {
      name: 'target',
      capabilities: this.real.capabilities,
      plan: (ask, options, signal) => this.watched({ method: 'plan' }, () => this.real.plan(ask, options, signal)),
      read: (ask, signal) => this.watched({ method: 'read' }, () => this.real.read(ask, signal)),
      execute: (step, given, signal) =>
        this.watched({ method: 'execute', caseId: given.caseId, step, plan: given.plan }, async () => {
          const result = await this.real.execute(step, given, signal);
          this.sealed.push(...result.sealed);
          return result;
        }),
      undo: (undo, given, signal) =>
        this.watched({ method: 'undo', caseId: given.caseId, undo, plan: given.plan }, () => this.real.undo(undo, given, signal)),
      observe: (plan, given, signal) =>
        this.watched({ method: 'observe', caseId: given.caseId, plan }, () => this.real.observe(plan, given, signal)),
      check: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    };
  }
}
