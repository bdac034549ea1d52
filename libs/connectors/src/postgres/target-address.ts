import { readFileSync } from 'node:fs';
import { isLoopback } from '@readmit/platform';

/** A target's address as its URL says it; every connection is made from these fields alone, never from PG* variables. */
export interface TargetAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** `false`: not encrypted, on this machine alone. Otherwise certificate and host name are verified. */
  readonly tls: false | { readonly rejectUnauthorized: true; readonly ca?: string };
}

/**
 * Reads `postgres://user:password@host:port/database`. A host that is not this machine is spoken to by TLS with verification;
 * `sslmode=verify-full` asks for that on this machine too, `sslrootcert` names a file with the authorities to trust instead of
 * the system's. Nothing else may stand in the query: `host` or `sslmode=no-verify` there would undo what the rest says.
 * Throws an Error without the URL, which is secret.
 */
export function targetAddress(text: string): TargetAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname)
    throw new Error('must be a PostgreSQL URL that names a host: postgres://user:password@host:5432/database');
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decoded);
  if (!user || !password || !database)
    throw new Error('must name user, password and database: postgres://user:password@host:5432/database');
  for (const name of url.searchParams.keys())
    if (name !== 'sslmode' && name !== 'sslrootcert') throw new Error(`knows no parameter ${name}: only sslmode and sslrootcert are taken`);
  const sslmode = url.searchParams.get('sslmode');
  if (sslmode !== null && sslmode !== 'verify-full')
    throw new Error('sslmode must be verify-full: without it whoever stands between reads and changes everything');
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

/** A lone percent sign stands for itself, as node-postgres reads it. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
