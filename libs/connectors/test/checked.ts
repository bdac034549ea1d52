/** `connector check` in specs, and a server whose certificate nobody knows. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { CheckResult, Connector } from '../src/index.js';

const never = new AbortController().signal;

export const checked = (connector: Connector, now = () => new Date()): Promise<readonly CheckResult[]> => connector.check({ now }, never);

/** What is to be done, as `check: result`. */
export const faultsIn = (results: readonly CheckResult[]): readonly string[] =>
  results.filter(({ result }) => result !== 'ok' && result !== 'note').map(({ check, result }) => `${check}: ${result}`);
/** What was found and what to do, of one check. */
export const toldBy = (results: readonly CheckResult[], check: string): string =>
  results
    .filter((one) => one.check === check)
    .map(({ message = '', next = '' }) => `${message} ${next}`)
    .join('\n');

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** For localhost, signed by itself. */
export function selfSigned(): Certificate {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'readmit-jest-'));
  try {
    const [certificate, key] = [path.join(folder, 'certificate.pem'), path.join(folder, 'key.pem')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', '-x509', ...kind, '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate], {
      stdio: 'ignore',
    });
    return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A target behind a certificate of its own: counts the requests that got through. */
export async function behindOwnCertificate<T>(work: (origin: string, requests: () => number) => Promise<T>): Promise<T> {
  const { certificate, key } = selfSigned();
  let requests = 0;
  const server = createServer({ cert: certificate, key }, (_request, response) => {
    requests += 1;
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work(`https://localhost:${(server.address() as AddressInfo).port}`, () => requests);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
