import { readFileSync } from 'node:fs';
import { isLoopback } from '@readmit/platform';

/** A target's address from its URL; every connection uses only these fields, never PG* variables. */
export interface TargetAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** `false`: not encrypted, only on this machine. Otherwise certificate and host name are verified. */
  readonly tls: false | { readonly rejectUnauthorized: true; readonly ca?: string };
}

/**
 * Parses `postgres://user:password@host:port/database`. A remote host is always reached by verified TLS; `sslmode=verify-full` requires that
 * on this machine too, and `sslrootcert` names a file with the authorities to trust instead of the system's. No other parameter is allowed:
 * `host` or `sslmode=no-verify` would override the rest. The error never has the URL, which is secret.
 */
export function targetAddress(text: string): TargetAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname)
    throw new Error('must be a PostgreSQL URL that names a host: postgres://user:password@host:5432/database');
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decoded);
  if (!user || !password || !database)
    throw new Error('must name user, password and database: postgres://user:password@host:5432/database');
  for (const name of url.searchParams.keys())
    if (name !== 'sslmode' && name !== 'sslrootcert')
      throw new Error(`parameter ${name} is not supported: only sslmode and sslrootcert are`);
  const sslmode = url.searchParams.get('sslmode');
  if (sslmode !== null && sslmode !== 'verify-full')
    throw new Error('sslmode must be verify-full: otherwise anyone on the network path can read and change everything');
  const authorities = url.searchParams.get('sslrootcert');
  const host = url.hostname.replace(/^\[(.+)\]$/, '$1');
  const plain = isLoopback(host) && sslmode === null && authorities === null;
  return {
    host,
    port: Number(url.port || 5432),
    user,
    password,
    database,
    tls: plain ? false : { rejectUnauthorized: true, ...(authorities === null ? {} : { ca: authoritiesIn(authorities) }) },
  };
}

function authoritiesIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`sslrootcert names a file that cannot be read: ${file} (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, {
      cause: error,
    });
  }
}

/** A percent sign that encodes nothing is literal, as in node-postgres. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
