/** The sweep at real targets: PostgreSQL, OpenLDAP and the demo identity provider, with what people do there by hand. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Ask } from '@readmit/contracts';
import { testOpenLdap, type TestOpenLdap } from '@readmit/testing';
import { Attribute, Change } from 'ldapts';
import { URI } from 'otpauth';
import { demoIdpConnector, scramVerifier, type Connector } from '@readmit/connectors';
import { startDemo, type Demo } from '../../apps/demo/src/index.js';
import { consumer, unsealed } from '../../libs/connectors/test/consumer.js';
import { asAdmin, connectorAt, dnOf, financeAdmins, groupAsk } from '../../libs/connectors/test/ldap-target.js';
import { startTestTarget, type Target } from '../../libs/connectors/test/postgres-target.js';
import { SweptCase } from './swept-case.js';

describe('the sweep at PostgreSQL', () => {
  let target: Target;
  const ask: Ask = { id: 'ask-1', kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
  beforeAll(async () => {
    target = await startTestTarget();
  });
  afterAll(() => target.stop());
  afterEach(() =>
    target.admin(
      'REVOKE app_admin FROM erin GRANTED BY readmit_exec; REVOKE app_admin FROM erin; REVOKE auditors FROM erin; ALTER ROLE erin NOCREATEDB',
    ),
  );

  it('R6.7 raises a role that was granted by hand while the case is open, and clears it when it is gone', async () => {
    const { swept } = await SweptCase.restored(target.connector, ask);
    expect(await swept.sweep()).toEqual([]);
    await target.admin('GRANT auditors TO erin; ALTER ROLE erin CREATEDB');
    expect(await swept.sweep()).toEqual(['more erin/attributes: none -> createdb', 'more erin/roles: app_reader -> app_reader,auditors']);
    expect(await swept.sweep()).toEqual([]);
    await target.admin('REVOKE auditors FROM erin');
    expect(await swept.sweep()).toEqual(['cleared erin/roles']);
  });

  it('R6.7 raises the restored role when somebody grants it by hand, and still after the end of the case', async () => {
    const { swept } = await SweptCase.restored(target.connector, ask);
    await target.admin('GRANT app_admin TO erin');
    const roles = ['more erin/roles: app_reader -> app_admin,app_reader', 'more erin/role/app_admin: granted-by-us -> standing'];
    expect(await swept.sweep()).toEqual(roles);
    await swept.end();
    expect(await swept.sweep()).toEqual([]);
    await target.admin('REVOKE app_admin FROM erin');
    expect(await swept.sweep()).toEqual(['cleared erin/roles', 'cleared erin/role/app_admin']);
  });

  it('R6.7 raises a grant that is back after its proven end, and records one that somebody took away', async () => {
    const { swept } = await SweptCase.restored(target.connector, ask);
    await target.admin('REVOKE app_admin FROM erin GRANTED BY readmit_exec');
    expect(await swept.sweep()).toEqual(['less erin/role/app_admin: granted-by-us -> absent']);
    await swept.end();
    expect(await swept.sweep()).toEqual(['cleared erin/role/app_admin']);
    await target.admin('GRANT app_admin TO erin GRANTED BY readmit_exec');
    expect(await swept.sweep()).toEqual(['more erin/role/app_admin: absent -> granted-by-us']);
  });

  it('R6.7 raises an old secret that is alive again after its end', async () => {
    const { key } = consumer();
    const secret: Ask = { id: 'ask-1', kind: 'secret.reissue', connector: 'target-postgres', object: 'payroll' };
    const { swept } = await SweptCase.restored(target.connector, secret, [key]);
    expect(await swept.sweep()).toEqual([]);
    await swept.end(({ armedBy }) => armedBy === 'success');
    expect(await swept.sweep()).toEqual([]);
    await target.admin(`CREATE ROLE payroll_a LOGIN PASSWORD '${scramVerifier('the-old-secret')}'; GRANT payroll TO payroll_a`);
    const found = await swept.sweep();
    expect(found).toContain('more payroll/login/payroll_a: absent -> login, owns');
    expect(found).toContain('more payroll/current: payroll_b -> payroll_a,payroll_b');
  });
});

describe('the sweep at OpenLDAP', () => {
  let directory: TestOpenLdap;
  beforeAll(async () => {
    directory = await testOpenLdap();
  });
  afterAll(() => directory.remove());
  const member = (operation: 'add' | 'delete', uid: string): Promise<void> =>
    asAdmin(directory, (client) =>
      client.modify(financeAdmins, [new Change({ operation, modification: new Attribute({ type: 'member', values: [dnOf(uid)] }) })]),
    );

  it('R6.7 raises a membership that is back after its proven end, and nothing about other members', async () => {
    const { swept } = await SweptCase.restored(connectorAt(directory), groupAsk());
    expect(await swept.sweep()).toEqual([]);
    await swept.end();
    expect(await swept.sweep()).toEqual([]);
    await member('add', 'erin');
    const [found, ...more] = await swept.sweep();
    expect([found, more]).toEqual([expect.stringMatching(/^more \S+: absent -> member$/), []]);
    await member('delete', 'erin');
    expect(await swept.sweep()).toEqual([expect.stringMatching(/^cleared /)]);
  });
});

describe('the sweep at the demo identity provider', () => {
  let demo: Demo;
  let connector: Connector;
  const owner = consumer();
  let now = Date.now();
  const ask: Ask = { id: 'ask-1', kind: 'factor.reset', connector: 'demo-idp', object: 'ada' };
  beforeAll(async () => {
    demo = await startDemo({ clock: () => new Date(now), env: {}, log: () => undefined });
    connector = demoIdpConnector({ name: 'demo-idp', url: demo.url, tokenUrl: demo.tokenUrl, ...demo.clients['readmit-execution'] });
  });
  afterAll(() => demo.stop());
  const post = async (path: string, body: object, session?: string): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json', ...(session === undefined ? {} : { authorization: `Bearer ${session}` }) };
    const response = await fetch(`${demo.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  };
  const signIn = async (proof: object): Promise<string> => {
    const { username, password } = demo.people['ada'] ?? {};
    return String((await post('/demo/sign-in', { username, password, ...proof }))['session']);
  };
  const enrol = async (session: string) => {
    const totp = URI.parse(String((await post('/demo/factors', {}, session))['uri']));
    const { factor } = await post('/demo/factors', { code: totp.generate({ timestamp: now }) }, session);
    return { totp, factor: String(factor) };
  };

  it('R6.7 accepts the one factor that the bypass is for, and raises a second one and a bypass of no case', async () => {
    const { swept, sealed } = await SweptCase.restored(connector, ask, [owner.key]);
    expect(await swept.sweep()).toEqual([]);
    const { code } = (await unsealed(sealed[0] ?? '', owner)) as object as { readonly code: string };
    const first = await enrol(await signIn({ bypass: code }));
    expect(await swept.sweep()).toEqual([]);
    await swept.watch();
    await swept.end();
    expect(await swept.sweep()).toEqual([]);

    now += 60_000;
    const second = await enrol(await signIn({ code: first.totp.generate({ timestamp: now }) }));
    const both = [first.factor, second.factor].toSorted().join(' ');
    expect(await swept.sweep()).toEqual([`more demo-idp/ada/factors: none -> ${both}`]);

    const step = swept.plan.steps.find(({ kind }) => kind === 'bypass.issue');
    if (!step) throw new Error('no bypass was planned');
    const nobody = { caseId: 'case_nobody', recipients: [owner.key], expiresAt: new Date(Date.now() + 900_000), plan: swept.plan };
    await connector.execute(step, nobody, AbortSignal.timeout(20_000));
    expect(await swept.sweep()).toEqual(['more demo-idp/ada/bypass: none -> active']);
  });
});
