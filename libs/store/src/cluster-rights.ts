/** What set-up sees to outside of the database that it sets up: connections of the services' roles, and other databases of the server. */
import { services } from '@readmit/contracts';
import pg from 'pg';
import { roleOf } from './schemas.js';
import { connectionsPerProcess } from './store.js';

/** Processes of a service at a time: one, and the one that takes its place. */
const processes = 2;
/** For who looks with the role's password while they run. */
const reserve = 6;
/** CONNECTION LIMIT of a service's role, unless setup was told another: no role alone can take what the others need. */
export const connectionsPerRole = processes * connectionsPerProcess + reserve;

export interface ClusterReport {
  /** In words, what was changed. */
  readonly changes: string[];
  /** What somebody else must do or decide, each a sentence with the statement to run. */
  readonly notices: string[];
}

/** CONNECTION LIMIT that a role is to have. `most`: the one that it has (-1: none); absent: there is no such role. */
export const wantedConnections = (most: number | undefined, connections: number | undefined): number =>
  connections ?? (most === undefined || most === -1 ? connectionsPerRole : most);

/** `connections` absent: a limit that is there, larger or smaller, is the operator's or an earlier release's and stays; a smaller one is told. */
export async function limitConnections(
  client: pg.Client,
  connections: number | undefined,
  { changes, notices }: ClusterReport,
): Promise<void> {
  const roles = services.map(roleOf);
  const { rows } = await client.query<{ name: string; most: number }>(
    'SELECT rolname AS name, rolconnlimit AS most FROM pg_roles WHERE rolname = ANY ($1) ORDER BY rolname',
    [roles],
  );
  let sum = 0;
  const fewer: string[] = [];
  for (const { name, most } of rows) {
    const wanted = wantedConnections(most, connections);
    sum += wanted;
    if (connections === undefined && wanted < connectionsPerRole) fewer.push(`${name} (${wanted})`);
    if (wanted === most) continue;
    await client.query(`ALTER ROLE ${pg.escapeIdentifier(name)} CONNECTION LIMIT ${wanted}`);
    changes.push(`limited ${name} to ${wanted} connections`);
  }
  if (fewer.length > 0)
    notices.push(
      `Connection limits below what two processes of a service need (${connectionsPerRole}): ${fewer.join(', ')}. Unless that is intended, set up with ` +
        `--connections ${connectionsPerRole}.`,
    );
  const { rows: settings } = await client.query<{ most: number }>(
    `SELECT current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer AS most`,
  );
  const most = settings[0]?.most ?? 0;
  if (sum > most)
    notices.push(
      `The roles of the services may open ${sum} connections in total, the server allows ${most}: a service may be left without any. ` +
        `ALTER SYSTEM SET max_connections = ${sum + 20}, then restart it; or set up with --connections ${Math.max(1, Math.floor((most - 10) / roles.length))}.`,
    );
}

interface OtherDatabase {
  readonly name: string;
  /** Every server has it, and the owner may close it. */
  readonly mine: boolean;
}

/** Other databases of the server that PUBLIC may use. */
export async function openToPublic(client: pg.Client, ours: string): Promise<readonly OtherDatabase[]> {
  const { rows } = await client.query<OtherDatabase>(
    `SELECT datname AS name, pg_has_role(datdba, 'USAGE') AND datname IN ('postgres', 'template1') AS mine FROM pg_database
     WHERE datallowconn AND datname <> $1
       AND (has_database_privilege('public', oid, 'CONNECT') OR has_database_privilege('public', oid, 'TEMPORARY')) ORDER BY 1`,
    [ours],
  );
  return rows;
}

/**
 * The services have nothing to do in other databases of the server, where PUBLIC may connect and make temporary tables unless somebody took
 * that away. Of `postgres` and `template1`, which every server has, it is taken where the owner may; others are somebody's and are named.
 */
export async function closeOtherDatabases(client: pg.Client, { changes, notices }: ClusterReport): Promise<void> {
  const { rows: own } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const rows = await openToPublic(client, own[0]?.name ?? '');
  const closing = (name: string): string => `REVOKE CONNECT, TEMPORARY ON DATABASE ${pg.escapeIdentifier(name)} FROM PUBLIC`;
  for (const { name } of rows.filter(({ mine }) => mine)) {
    await client.query(closing(name));
    changes.push(`took CONNECT and TEMPORARY on the database ${name} from PUBLIC`);
  }
  const others = rows.filter(({ mine }) => !mine);
  if (others.length > 0)
    notices.push(
      `PUBLIC, and so every role of the services, may connect to ${others.map(({ name }) => name).join(', ')}. ` +
        `If nobody needs that: ${others.map(({ name }) => closing(name)).join('; ')}.`,
    );
}
