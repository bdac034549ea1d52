/** The executor's password is never sent: a server that asks for it is refused, and a remote host is verified by TLS. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Ask } from '@readmit/contracts';
import { postgresConnector } from '../src/index.js';
import { query, startTestTarget, type Target } from './postgres-target.js';

const ask: Ask = { id: 'ask-1', kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
const signal = new AbortController().signal;
const password = 'the-executors-password';
const md5 = Buffer.from([0x52, 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4]);
const cleartext = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
const sasl = Buffer.concat([Buffer.from([0x52, 0, 0, 0, 23, 0, 0, 0, 10]), Buffer.from('SCRAM-SHA-256\0\0')]);
/** AuthenticationOk and ReadyForQuery: accepted without authentication. */
const letIn = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

/** Connects to a server that responds to each message with the next of `answers`; returns the error and what the server received. */
async function readFrom(answers: readonly Buffer[], parameters = '') {
  const heard: Buffer[] = [];
  const server = createServer((socket: Socket) => {
    const left = [...answers];
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard.push(bytes);
      const answer = left.shift();
      if (answer) socket.write(answer);
      else socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `postgres://readmit_exec:${password}@127.0.0.1:${port}/postgres${parameters}`;
  try {
    const connector = postgresConnector({ name: 'target-postgres', url, roles: [], callTimeoutMs: 2000 });
    const failure = await connector.read(ask, signal).catch((error: unknown) => error);
    return { failure, heard: Buffer.concat(heard).toString('latin1') };
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('a server that asks for the password', () => {
  it.each([
    ['in clear', [cleartext], 'asks for the password in clear, but only SCRAM is allowed'],
    ['as MD5', [md5], 'asks for an MD5 of the password, but only SCRAM is allowed'],
    ['in clear after it offered SCRAM', [sasl, cleartext], 'asks for the password in clear, but only SCRAM is allowed'],
    ['not at all', [letIn, letIn], 'accepted the connection without SCRAM, so it proved nothing'],
  ])('is refused: %s', async (_how, answers, says) => {
    const { failure, heard } = await readFrom(answers);
    expect(failure).toMatchObject({ code: 'refused', effect: 'none', message: expect.stringContaining(says) });
    expect(String(failure)).not.toContain(password);
    expect(heard).toContain('readmit_exec');
    // A password message starts with "p"; the first response to an offer of SCRAM has the mechanism and no password.
    expect(heard).not.toContain(password);
    expect(heard.replace(/p[^]{4}SCRAM-SHA-256\0[^]*$/, '')).not.toMatch(/p\0\0\0/);
  });

  it('does not even receive a user name if TLS is required and the server has none', async () => {
    const { failure, heard } = await readFrom([Buffer.from('N')], '?sslmode=verify-full');
    expect(failure).toMatchObject({ code: 'unreachable', effect: 'none', message: expect.stringContaining('does not support SSL') });
    expect(heard).not.toContain('readmit_exec');
  });
});

describe('a target that asks for SCRAM', () => {
  let target: Target;
  beforeAll(async () => {
    target = await startTestTarget();
  });
  afterAll(() => target.stop());

  it('is read, and functions with the name of a system function are not called', async () => {
    await target.admin(`CREATE FUNCTION public.pg_has_role(name, text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
      CREATE VIEW public.pg_roles AS SELECT 'readmit_exec'::name AS rolname; ALTER ROLE readmit_exec SET search_path = public, pg_catalog`);
    await expect(query(target.executorUrl, "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')")).rejects.toThrow('called');
    await expect(target.connector.read(ask, signal)).resolves.toContainEqual({ name: 'erin/login', value: 'can-login' });
  });
});
