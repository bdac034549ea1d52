/** `connector check` at PostgreSQL: each right that is missing or too many is found, with the statement that corrects it, and nothing is changed. */
import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { postgresConnector } from '../src/index.js';
import { checked, faultsIn, selfSigned, toldBy } from './checked.js';
import { payroll, startTestTarget, type Target } from './postgres-target.js';

let target: Target;
beforeAll(async () => {
  target = await startTestTarget();
});
afterAll(() => target.stop());

const at = (url: string, accounts = [payroll]) => postgresConnector({ name: 'ledger', url, roles: accounts, callTimeoutMs: 5_000 });

describe('connector check at PostgreSQL', () => {
  it('finds nothing wrong with the documented rights, and changes nothing', async () => {
    const state = () =>
      target.admin(`SELECT (SELECT json_agg(r ORDER BY oid) FROM pg_authid r) AS roles, (SELECT json_agg(m ORDER BY oid) FROM pg_auth_members m) AS members,
        (SELECT json_agg(d) FROM pg_shdescription d) AS comments, (SELECT json_agg(p) FROM pg_parameter_acl p) AS parameters,
        (SELECT json_agg(s) FROM pg_db_role_setting s) AS settings`);
    const before = await state();
    const from = target.log.length;
    const results = await checked(target.connector);
    expect(faultsIn(results)).toEqual([]);
    expect(results.map(({ check }) => check)).toEqual([
      'connection',
      'credentials',
      'version',
      'clock',
      'canary',
      'end sessions',
      'roles',
      'service accounts',
      'attributes',
    ]);
    expect(toldBy(results, 'roles')).toContain('may give back app_admin');
    expect(await state()).toEqual(before);
    // The server logs every statement: after the setting that makes the session read-only there are only queries.
    await until(() => target.log.slice(from).some((line) => line.includes('pg_shdepend')), { what: 'the statements are in the log' });
    const statements = target.log.slice(from).flatMap((line) => /(?:statement|execute [^:]+): *(\w+)/.exec(line)?.[1] ?? []);
    expect(new Set(statements)).toEqual(new Set(['SET', 'SELECT']));
  });

  it('is kept from writing by the server', async () => {
    const [setting] = target.log.filter((line) => line.includes('default_transaction_read_only'));
    expect(setting).toContain('SET default_transaction_read_only = on');
  });

  it.each<[what: string, make: string, unmake: string, fault: string, told: string]>([
    [
      'pg_signal_backend missing',
      'REVOKE pg_signal_backend FROM readmit_exec',
      'GRANT pg_signal_backend TO readmit_exec',
      'end sessions: missing',
      'GRANT pg_signal_backend, pg_read_all_stats TO readmit_exec;',
    ],
    [
      'pg_read_all_stats missing',
      'REVOKE pg_read_all_stats FROM readmit_exec',
      'GRANT pg_read_all_stats TO readmit_exec',
      'end sessions: missing',
      'GRANT pg_signal_backend, pg_read_all_stats TO readmit_exec;',
    ],
    [
      'CREATEROLE missing',
      'ALTER ROLE readmit_exec NOCREATEROLE',
      'ALTER ROLE readmit_exec CREATEROLE',
      'service accounts: missing',
      'ALTER ROLE readmit_exec CREATEROLE;',
    ],
    [
      'a parameter missing',
      'REVOKE SET ON PARAMETER log_statement FROM readmit_exec',
      'GRANT SET ON PARAMETER log_statement TO readmit_exec',
      'service accounts: missing',
      'GRANT SET ON PARAMETER log_statement TO readmit_exec;',
    ],
    [
      'the owner role missing',
      'REVOKE payroll FROM readmit_exec CASCADE',
      'GRANT payroll TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
      'service accounts: missing',
      'GRANT payroll TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;',
    ],
    [
      'a login missing',
      'REVOKE payroll_a FROM readmit_exec',
      'GRANT payroll_a TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
      'service accounts: missing',
      'may not change payroll_a of payroll',
    ],
    [
      'a role that it can use',
      'GRANT app_admin TO readmit_exec WITH ADMIN TRUE, INHERIT TRUE, SET TRUE',
      'GRANT app_admin TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
      'roles: too much',
      'may use app_admin itself GRANT app_admin TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;',
    ],
    [
      'a role that it cannot pass on',
      'GRANT auditors TO readmit_exec',
      'REVOKE auditors FROM readmit_exec',
      'roles: too much',
      'REVOKE auditors FROM readmit_exec;',
    ],
    [
      'a login of a person',
      'GRANT erin TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
      'REVOKE erin FROM readmit_exec',
      'roles: too much',
      'may change the login erin',
    ],
    [
      'a superuser',
      'ALTER ROLE readmit_exec SUPERUSER',
      'ALTER ROLE readmit_exec NOSUPERUSER',
      'attributes: too much',
      'ALTER ROLE readmit_exec NOSUPERUSER;',
    ],
    [
      'CREATEDB',
      'ALTER ROLE readmit_exec CREATEDB',
      'ALTER ROLE readmit_exec NOCREATEDB',
      'attributes: too much',
      'ALTER ROLE readmit_exec NOCREATEDB;',
    ],
    [
      'a table of its own',
      'ALTER TABLE admin_ledger OWNER TO readmit_exec',
      'ALTER TABLE admin_ledger OWNER TO postgres',
      'attributes: too much',
      'owns 1 objects',
    ],
    [
      'an owner role that can log in',
      'ALTER ROLE payroll LOGIN',
      'ALTER ROLE payroll NOLOGIN',
      'service accounts: wrong',
      'ALTER ROLE payroll NOLOGIN;',
    ],
  ])('finds %s, and nothing else', async (_what, make, unmake, fault, told) => {
    await target.admin(make);
    const results = await checked(target.connector);
    await target.admin(unmake);
    expect(faultsIn(results)).toEqual([fault]);
    expect(toldBy(results, fault.split(':')[0] ?? '')).toContain(told);
    expect(faultsIn(await checked(target.connector))).toEqual([]);
  });

  it('finds CREATEROLE too much without service accounts, and a target without anything to give back', async () => {
    const bare = at(target.executorUrl, []);
    expect(faultsIn(await checked(bare))).toEqual(['roles: too much', 'attributes: too much']);
    await target.admin(
      'ALTER ROLE readmit_exec NOCREATEROLE; REVOKE app_admin, payroll_a FROM readmit_exec; REVOKE payroll FROM readmit_exec CASCADE',
    );
    const results = await checked(bare);
    expect(faultsIn(results)).toEqual(['roles: missing']);
    expect(toldBy(results, 'roles')).toContain('GRANT <role> TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;');
    await target.admin(
      'ALTER ROLE readmit_exec CREATEROLE; GRANT app_admin, payroll, payroll_a TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
    );
    expect(faultsIn(await checked(target.connector))).toEqual([]);
  });

  it('finds a wrong password, and says so without it', async () => {
    const results = await checked(at(target.urlOf('readmit_exec', 'a-wrong-password')));
    expect(faultsIn(results).slice(0, 2)).toEqual(['credentials: wrong', 'version: not checked']);
    expect(results[0]).toMatchObject({ check: 'connection', result: 'ok' });
    expect(JSON.stringify(results)).not.toContain('a-wrong-password');
  });

  it('finds a clock that differs', async () => {
    const results = await checked(target.connector, () => new Date(Date.now() - 60_000));
    expect(faultsIn(results)).toEqual(['clock: wrong']);
    expect(toldBy(results, 'clock')).toMatch(/(59|60) s ahead of the clock of this machine/);
    expect(faultsIn(await checked(target.connector, () => new Date(Date.now() - 3_000)))).toEqual([]);
  });

  it('finds a certificate of an unknown authority, and accepts it with sslrootcert', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
    const { certificate, key } = selfSigned();
    const [certificateFile, keyFile] = [path.join(folder, 'server.pem'), path.join(folder, 'server.key')];
    await writeFile(certificateFile, certificate);
    await writeFile(keyFile, key, { mode: 0o600 });
    // The server may run as another user, who must own the key.
    const [data] = await target.admin<{ data_directory: string }>('SHOW data_directory');
    const { uid, gid } = await stat(data?.data_directory ?? '');
    if (uid !== process.getuid?.()) for (const file of [folder, certificateFile, keyFile]) await chown(file, uid, gid);
    for (const [name, value] of [
      ['ssl_cert_file', certificateFile],
      ['ssl_key_file', keyFile],
      ['ssl', 'on'],
    ])
      await target.admin(`ALTER SYSTEM SET ${name} = '${value}'`);
    const plain = await checked(at(`${target.executorUrl}?sslmode=verify-full`));
    expect(toldBy(plain, 'connection')).toMatch(/does not support SSL.*sslrootcert/);
    await target.admin('SELECT pg_reload_conf()');
    await until(async () => (await target.admin<{ ssl: string }>('SHOW ssl'))[0]?.ssl === 'on', { what: 'PostgreSQL has TLS on' });
    const url = target.executorUrl.replace('127.0.0.1', 'localhost');
    const results = await checked(at(`${url}?sslmode=verify-full`));
    expect(faultsIn(results).slice(0, 2)).toEqual(['connection: wrong', 'credentials: not checked']);
    expect(toldBy(results, 'connection')).toMatch(/self-signed certificate.*sslrootcert/);
    expect(results[0]).not.toHaveProperty('unreachable');
    const control = await checked(at(`${url}?sslmode=verify-full&sslrootcert=${certificateFile}`));
    expect(faultsIn(control)).toEqual([]);
    expect(toldBy(control, 'connection')).toContain('TLS, certificate verified');
    await rm(folder, { recursive: true });
  });

  it('says that a target cannot be reached', async () => {
    const results = await checked(at('postgres://readmit_exec:secret@127.0.0.1:1/postgres'));
    expect(results[0]).toMatchObject({ check: 'connection', result: 'wrong', unreachable: true });
    expect(results.slice(1).map(({ result }) => result)).toEqual(Array.from({ length: 8 }, () => 'not checked'));
  });
});
