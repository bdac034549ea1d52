import { readFileSync } from 'node:fs';
import { isLoopback } from '@readmit/platform';

/** Address of the directory from its URL. The connector never connects to another host: referrals are not followed. */
export interface LdapAddress {
  readonly host: string;
  readonly port: number;
  /** `false`: not encrypted, on loopback only. Otherwise certificate and host name are verified. */
  readonly tls: false | { readonly ca?: string };
}

/**
 * Parses `ldaps://host:port`, or `ldap://` for loopback. StartTLS is not supported: such a connection begins unencrypted, and the client
 * library reconnects without upgrading again.
 * @throws {Error} for anything else.
 */
export function ldapAddress(text: string, caFile?: string): LdapAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^ldaps?:$/.test(url.protocol) || !url.hostname) throw new Error('must be an LDAP URL that names a host: ldaps://host:636');
  if (url.username || url.password) throw new Error('must not contain credentials: use bindDn and passwordFile');
  if ((url.pathname !== '' && url.pathname !== '/') || url.search || url.hash) throw new Error('must contain only host and port');
  const host = url.hostname.replace(/^\[(.+)\]$/, '$1');
  const secure = url.protocol === 'ldaps:';
  if (!secure && !isLoopback(host)) throw new Error('must be an ldaps URL, unless it is on loopback');
  if (!secure && caFile !== undefined) throw new Error('must be an ldaps URL where caFile is given');
  return {
    host,
    port: Number(url.port || (secure ? 636 : 389)),
    tls: secure ? (caFile === undefined ? {} : { ca: authoritiesIn(caFile) }) : false,
  };
}

function authoritiesIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`caFile cannot be read: ${file} (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, { cause: error });
  }
}
