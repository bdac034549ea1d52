import net from 'node:net';
import tls from 'node:tls';
import { Client, type Change, type Control, type Filter, ResultCodeError, type SearchOptions, type SearchResult } from 'ldapts';
import { TargetError } from '../connector.js';
import type { Bounded } from '../bounded.js';
import { secretIn } from '../secret-file.js';
import type { LdapAddress } from './ldap-address.js';

export interface SessionOptions {
  readonly address: LdapAddress;
  readonly bindDn: string;
  /** Read at each bind: a new password needs no restart. */
  readonly passwordFile: string;
  /** Timeout in milliseconds of the connection and of each operation; also sent to the server for searches. */
  readonly callTimeoutMs: number;
  readonly connections: Bounded;
}

export interface Entry {
  /** As the server spells it. Only the server compares DNs: different spellings may be the same DN. */
  readonly dn: string;
  /** All values; empty if the entry has none. */
  values(attribute: string): readonly string[];
}

export interface Search {
  readonly scope: 'base' | 'sub';
  readonly filter: Filter;
  readonly attributes: readonly string[];
  /** Any so many entries are enough; the rest is not missed. */
  readonly most?: number;
}

/** A bound connection for one call. It is never reopened: a second connection would be anonymous. */
export interface LdapSession {
  /** All entries, or it throws. Without `most` no size limit is sent: the library reports a reached limit as success. */
  search(base: string, search: Search): Promise<readonly Entry[]>;
  /** All entries in pages, one in memory at a time (RFC 2696). Throws if a page is missing at the end. */
  pages(base: string, search: Omit<Search, 'most'>, take: (page: readonly Entry[]) => Promise<void>): Promise<void>;
  /** Whether the entry has the value, by the server's matching rule of the attribute. `undefined`: the entry does not have the attribute. */
  compare(dn: string, attribute: string, value: string): Promise<boolean | undefined>;
  /** Returns the server's result code: 0 or one of `expected`; throws for any other. */
  modify(dn: string, changes: readonly Change[], controls: readonly Control[], expected?: readonly number[]): Promise<number>;
}

/** Entries of a page. Servers limit it, OpenLDAP by default to 500. */
const pageSize = 500;
export const resultCode = {
  noSuchAttribute: 16,
  valueExists: 20,
  noSuchObject: 32,
  objectClassViolation: 65,
  assertionFailed: 122,
} as const;

/**
 * Connects, binds, runs `work`, disconnects. Every failure is thrown as a TargetError whose `effect` is `none` until a change was sent. A
 * change that the server refused had no effect; without a readable response the effect is unknown.
 */
export function withSession<T>(options: SessionOptions, signal: AbortSignal, work: (session: LdapSession) => Promise<T>): Promise<T> {
  const where = `${options.address.host}:${options.address.port}`;
  if (signal.aborted) return Promise.reject(new TargetError(`the call to ${where} was cancelled before it started`, 'none', 'timeout'));
  return options.connections.run(signal, () => connected(options, where, signal, work));
}

async function connected<T>(
  { address, bindDn, passwordFile, callTimeoutMs }: SessionOptions,
  where: string,
  signal: AbortSignal,
  work: (session: LdapSession) => Promise<T>,
): Promise<T> {
  const password = secretIn(`the password of ${where}`, passwordFile, firstLine);
  let socket: net.Socket | undefined;
  const connectOnce = <S extends net.Socket>(open: () => S): S => {
    if (socket) throw new Error('the connection was lost');
    const opened = open();
    socket = opened;
    return opened;
  };
  const { host, port } = address;
  const client = new Client({
    url: `${address.tls ? 'ldaps' : 'ldap'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    timeout: callTimeoutMs,
    connectTimeout: callTimeoutMs,
    // The library reconnects by itself after a lost connection, and continues without a bind.
    createConnection: (() => connectOnce(() => net.connect({ host, port }))) as typeof net.connect,
    createSecureConnection: (() =>
      connectOnce(() =>
        tls.connect({
          host,
          port,
          ...(net.isIP(host) ? {} : { servername: host }),
          ...(address.tls && address.tls.ca !== undefined ? { ca: address.tls.ca } : {}),
          rejectUnauthorized: true,
          minVersion: 'TLSv1.2',
        }),
      )) as typeof tls.connect,
  });
  let effect: 'none' | 'unknown' = 'none';
  const stop = (): void => void socket?.destroy(new Error('stopped'));
  signal.addEventListener('abort', stop, { once: true });
  const options = ({ scope, filter, attributes, most }: Search): SearchOptions => ({
    scope,
    filter,
    attributes: [...attributes],
    ...(most === undefined ? {} : { sizeLimit: most }),
    derefAliases: 'never',
    timeLimit: Math.max(1, Math.ceil(callTimeoutMs / 1000)),
  });
  const entriesIn = (base: string, { searchEntries, searchReferences }: SearchResult): readonly Entry[] => {
    // Part of the result is on another server, and only this address is allowed.
    if (searchReferences.length > 0)
      throw new TargetError(
        `${where} refers part of the search below ${base} to another server: referrals are not followed`,
        effect,
        'refused',
      );
    return searchEntries.map(({ dn, ...rest }) => {
      const byName = new Map(Object.entries(rest).map(([name, value]) => [name.toLowerCase(), [value].flat().map(String)]));
      return { dn, values: (attribute: string) => byName.get(attribute.toLowerCase()) ?? [] };
    });
  };
  const session: LdapSession = {
    search: async (base, search) => entriesIn(base, await client.search(base, options(search))),
    async pages(base, search, take) {
      let entries = 0;
      for await (const result of client.searchPaginated(base, { ...options(search), paged: { pageSize } })) {
        const page = entriesIn(base, result);
        // The library takes an empty page for the last one, even if the server has more. That is certain only after full pages.
        if (page.length === 0 && entries % pageSize !== 0)
          throw new TargetError(`${where} returned an empty page after ${entries} entries below ${base}`, effect, 'unreachable');
        entries += page.length;
        await take(page);
      }
    },
    async compare(dn, attribute, value) {
      try {
        return await client.compare(dn, attribute, value);
      } catch (error) {
        if (error instanceof ResultCodeError && error.code === resultCode.noSuchAttribute) return undefined;
        throw error;
      }
    },
    async modify(dn, changes, controls, expected = []) {
      const before = effect;
      effect = 'unknown';
      try {
        await client.modify(dn, [...changes], [...controls]);
        return 0;
      } catch (error) {
        if (!(error instanceof ResultCodeError) || error.code === internalError) throw error;
        effect = before;
        if (expected.includes(error.code)) return error.code;
        throw error;
      }
    },
  };
  try {
    await client.bind(bindDn, password);
    return await work(session);
  } catch (error) {
    throw toTargetError(error, { where, effect, stopped: signal.aborted });
  } finally {
    signal.removeEventListener('abort', stop);
    await client.unbind().catch(() => undefined);
    socket?.destroy();
  }
}

/** With an empty password the server would accept an anonymous bind. */
function firstLine(text: string): string {
  const [line = ''] = text.split(/\r?\n/);
  if (line === '') throw new Error('the file is empty');
  return line;
}

/** "Other": slapd returns it after a storage error, so a change may or may not have been made. */
const internalError = 80;
const codes: Readonly<Record<number, TargetError['code']>> = {
  3: 'timeout',
  51: 'unreachable',
  52: 'unreachable',
  [internalError]: 'unreachable',
  [resultCode.noSuchObject]: 'not-found',
  [resultCode.assertionFailed]: 'changed',
};
const advice: Readonly<Record<number, string>> = {
  4: 'size limit exceeded: raise the limit of the executor',
  10: 'a referral, which is not followed: configure a server that has the entries and accepts changes',
  12: 'the server lacks a control that the connector needs',
  49: 'the bind DN or the password is wrong, or the executor is locked',
  50: 'the executor lacks a right, see docs/targets.md',
};

/** Anything that a call throws, as a TargetError. */
export function toTargetError(
  error: unknown,
  { where, effect, stopped }: { readonly where: string; readonly effect: 'none' | 'unknown'; readonly stopped: boolean },
): TargetError {
  if (error instanceof TargetError)
    return effect === 'unknown' && error.effect === 'none' ? new TargetError(error.message, effect, error.code, { cause: error }) : error;
  if (stopped) return new TargetError(`the call to ${where} was cancelled`, effect, 'timeout', { cause: error });
  if (error instanceof ResultCodeError) {
    const more = advice[error.code];
    return new TargetError(
      `${where} responded with ${error.code}${more === undefined ? '' : ` (${more})`}: ${error.message}`.slice(0, 500),
      effect,
      codes[error.code] ?? 'refused',
      { cause: error },
    );
  }
  const { message, code } = error as NodeJS.ErrnoException;
  if (/timed out|timeout/i.test(message)) return new TargetError(`${where} did not respond in time`, effect, 'timeout', { cause: error });
  return new TargetError(`${where} cannot be reached: ${message || (code ?? 'connection lost')}`.slice(0, 500), effect, 'unreachable', {
    cause: error,
  });
}
