/** What people have at a real Keycloak by signing in: sessions, offline grants, consents, and a device that was enrolled with a bypass. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestRealm } from '@readmit/testing';
import type { Connector } from '../src/index.js';
import { consumer, unsealed } from './consumer.js';
import { oneTimeCode, refresh, signIn, type Tokens } from './keycloak-browser.js';
import { askFor, caseId, execute, keycloakTarget, never, planOf, undo, type KeycloakTarget } from './keycloak-target.js';

const recipient = consumer();
const { key } = recipient;
let target: KeycloakTarget;
let realm: TestRealm;
let connector: Connector;
const idOf = (person: string): string => realm.people[person] ?? '';

beforeAll(async () => {
  target = await keycloakTarget();
  realm = target.realm;
  connector = target.connector();
});
afterAll(() => target?.stop());

const listed = async (person: string, what: 'sessions' | 'consents' | 'credentials') =>
  (await realm.admin('GET', `/users/${idOf(person)}/${what}`)) as { readonly id: string; readonly type?: string }[];

describe('what a person opened', () => {
  let session: Tokens;
  let offline: Tokens;
  const requireConsent = async (consentRequired: boolean): Promise<void> => {
    const [app] = (await realm.admin('GET', '/clients?clientId=app')) as { readonly id: string }[];
    await realm.admin('PUT', `/clients/${app?.id}`, { ...app, consentRequired });
  };
  beforeAll(() => requireConsent(true));
  afterAll(() => requireConsent(false));

  /** Signs in twice: with consent to an offline grant, and once more for a session. */
  async function opened(person: string, secret: string): Promise<void> {
    const first = await signIn(realm, person, 'openid offline_access');
    await first.post({ otp: oneTimeCode(secret) });
    await first.post({ accept: 'Yes' });
    offline = await first.tokens();
    const second = await signIn(realm, person);
    await second.post({ otp: oneTimeCode(secret, 1) });
    session = await second.tokens();
    // The control: without an end both work, and there is something to end.
    expect([(await refresh(realm, offline)).status, (await refresh(realm, session)).status]).toEqual([200, 200]);
    expect((await listed(person, 'sessions')).length).toBeGreaterThan(0);
    expect((await listed(person, 'consents')).length).toBe(1);
  }
  const isOver = async (person: string) => {
    expect([(await refresh(realm, offline)).status, (await refresh(realm, session)).status]).toEqual([400, 400]);
    expect([await listed(person, 'sessions'), await listed(person, 'consents')]).toEqual([[], []]);
  };

  it('R5.2 ends with a reset of the factor: sessions, offline grants and consents', async () => {
    await opened('alice', 'alice-otp-secret-0001');
    await execute(connector, await planOf(connector, askFor('factor.reset', idOf('alice')), [key]), [key]);
    await isOver('alice');
  });

  it('R6.3 ends with the end of a role, and the read-back counts the sessions', async () => {
    const role = (await realm.admin('GET', '/roles/helpdesk')) as { readonly id: string };
    const plan = await planOf(connector, askFor('role.restore', idOf('carol'), role.id));
    await execute(connector, plan);
    await opened('carol', 'carol-otp-secret-0001');
    const before = (await listed('carol', 'sessions')).length;
    expect((await undo(connector, plan, 'role.revoke')).sessionsEnded).toBe(before);
    await isOver('carol');
  });
});

describe('a device that was enrolled with a bypass', () => {
  it('R5.4 is seen, and taken away with its sessions when the recovery is repudiated', async () => {
    const plan = await planOf(connector, askFor('factor.reset', idOf('bob')), [key]);
    const { code } = (await unsealed(await execute(connector, plan, [key]), recipient)) as unknown as { readonly code: string };
    const browser = await signIn(realm, 'bob');
    await browser.post({ recoveryCodeInput: code });
    const secret = /name="totpSecret"[^>]*value="([^"]+)"/.exec(browser.page())?.[1] ?? '';
    await browser.post({ totpSecret: secret, totp: oneTimeCode(secret), userLabel: 'new phone' });
    const tokens = await browser.tokens();
    const device = (await listed('bob', 'credentials')).find(({ type }) => type === 'otp');
    expect(await connector.observe(plan, { caseId }, never)).toEqual([
      { object: idOf('bob'), used: { at: expect.any(String) as unknown }, enrolled: { factor: device?.id } },
    ]);
    // The control: the session works until then; the next test signs in with a device.
    expect((await refresh(realm, tokens)).status).toBe(200);

    const { readBack, sessionsEnded } = await undo(connector, plan, 'enrolment.withdraw');
    expect(readBack).toContainEqual({ name: `keycloak/${idOf('bob')}/factors`, value: 'none' });
    expect(sessionsEnded).toBeGreaterThan(0);
    expect((await listed('bob', 'credentials')).map(({ type }) => type)).toEqual(['password']);
    expect((await refresh(realm, tokens)).status).toBe(400);
    const last = await signIn(realm, 'bob');
    expect([last.page().includes('name="otp"'), last.page().includes('code=')]).toEqual([false, false]);
    expect(await connector.observe(plan, { caseId }, never)).toEqual([{ object: idOf('bob') }]);
  });

  it('stays when the bypass is closed at the end of the case: it is what the recovery was for', async () => {
    const plan = await planOf(connector, askFor('factor.reset', idOf('dave')), [key]);
    const { code } = (await unsealed(await execute(connector, plan, [key]), recipient)) as unknown as { readonly code: string };
    const browser = await signIn(realm, 'dave');
    await browser.post({ recoveryCodeInput: code });
    const secret = /name="totpSecret"[^>]*value="([^"]+)"/.exec(browser.page())?.[1] ?? '';
    await browser.post({ totpSecret: secret, totp: oneTimeCode(secret), userLabel: 'new phone' });
    const tokens = await browser.tokens();
    expect((await undo(connector, plan, 'bypass.close')).sessionsEnded).toBe(0);
    expect((await listed('dave', 'credentials')).map(({ type }) => type).toSorted()).toEqual(['otp', 'password']);
    expect((await refresh(realm, tokens)).status).toBe(200);
    const again = await signIn(realm, 'dave');
    await again.post({ otp: oneTimeCode(secret, 1) });
    expect(again.page().startsWith('http://localhost:4300/cb?')).toBe(true);
  });
});
