/** A real SMTP server for specs: with TLS and sign-in, and it refuses, delays and hangs as a spec asks. */
import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { readFile } from 'node:fs/promises';
import { SMTPServer } from 'smtp-server';

export interface Received {
  readonly to: readonly string[];
  readonly raw: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}
/** What the server does with the next recipient or message; `accept` in addition to what a spec sets. */
export type Manner = 'accept' | 'greylist' | 'refuse' | 'hang';

export interface MailServer {
  readonly port: number;
  readonly received: readonly Received[];
  /** Connections that were opened. */
  readonly connections: number;
  readonly open: number;
  /** How it treats an address from now on. */
  treat(address: string, manner: Manner): void;
  set password(password: string);
  close(): Promise<void>;
}

const failure = (code: number, message: string): Error => Object.assign(new Error(message), { responseCode: code });

export async function openMailServer(options: {
  /** `tls` from the first byte, `starttls` offered, `none`. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly key?: string;
  readonly cert?: string;
  readonly user?: string;
}): Promise<MailServer> {
  const received: Received[] = [];
  const manners = new Map<string, Manner>();
  const state = { connections: 0, password: 'first-password' };
  const server = new SMTPServer({
    secure: options.security === 'tls',
    ...(options.key === undefined || options.cert === undefined ? {} : { key: options.key, cert: options.cert }),
    disabledCommands: [...(options.security === 'starttls' ? [] : ['STARTTLS']), ...(options.user === undefined ? ['AUTH'] : [])],
    authOptional: options.user === undefined,
    allowInsecureAuth: options.security === 'none',
    closeTimeout: 10,
    logger: false,
    onConnect(_session, done) {
      state.connections++;
      done();
    },
    onAuth({ username, password }, _session, done) {
      if (username === options.user && password === state.password) return done(null, { user: username });
      done(failure(535, 'wrong user name or password'));
    },
    onRcptTo({ address }, _session, done) {
      const manner = manners.get(address);
      if (manner === 'greylist') return done(failure(451, `${address} is greylisted, try again later`));
      if (manner === 'refuse') return done(failure(550, `no mailbox ${address}`));
      done();
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        received.push({
          to,
          raw: Buffer.concat(parts).toString('utf8'),
          secure: Boolean(session.secure),
          user: session.user === undefined ? undefined : String(session.user),
        });
        if (to.some((address) => manners.get(address) === 'hang')) return;
        done();
      });
    },
  });
  // A client that goes away, or one that does not trust the certificate, is what some specs are about.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    get connections() {
      return state.connections;
    },
    get open() {
      return server.connections.size;
    },
    treat: (address, manner) => void manners.set(address, manner),
    set password(password: string) {
      state.password = password;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A certificate for localhost, in the folder, and what it is signed with: itself. */
export async function localhostCertificate(
  folder: string,
): Promise<{ readonly key: string; readonly cert: string; readonly file: string }> {
  const file = path.join(folder, 'mail.pem');
  const keyFile = path.join(folder, 'mail.key');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', keyFile];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:0.0.0.0'];
  await promisify(execFile)('openssl', ['req', '-x509', ...key, '-out', file, '-days', '2', ...name]);
  return { key: await readFile(keyFile, 'utf8'), cert: await readFile(file, 'utf8'), file };
}

/** Headers (unfolded, by lower-case name) and the decoded text of a received mail. */
export function parsed(raw: string): { readonly headers: ReadonlyMap<string, string>; readonly text: string } {
  const at = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, at)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const body = raw.slice(at + 4);
  const encoding = headers.get('content-transfer-encoding');
  if (encoding === 'base64') return { headers, text: Buffer.from(body, 'base64').toString('utf8').trim() };
  if (encoding !== 'quoted-printable') return { headers, text: body.trim() };
  const bytes = body
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { headers, text: Buffer.from(bytes, 'latin1').toString('utf8').trim() };
}
