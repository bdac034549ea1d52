/** A whole case with notices by mail: intake on a real database, a signed directory, and a real SMTP server. */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeProof, type ProofKey } from '@readmit/contracts';
import { engineCrypto } from '@readmit/signing';
import { until } from '@readmit/testing';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { openDirectoryServer, type DirectoryServer } from './directory-server.js';
import { openMailServer, parsed, type MailServer } from './mail-server.js';
import { startIntake, type RunningIntake } from './running-intake.js';

let intake: RunningIntake;
let directory: DirectoryServer;
let mail: MailServer;
beforeAll(async () => {
  directory = await openDirectoryServer();
  mail = await openMailServer({ security: 'none' });
  await directory.publish({ ada: ['ada@old.example'], boris: ['boris@example.org'] });
  intake = await startIntake(
    {
      READMIT_NOTICE_CHANNEL: 'smtp',
      READMIT_MAILBOX_URL: '',
      READMIT_TOKEN_URL: '',
      READMIT_CLIENT_SECRET_FILE: '',
      READMIT_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
      READMIT_SMTP_FROM: 'readmit@example.com',
      READMIT_DIRECTORY_URL: directory.url,
      READMIT_DIRECTORY_KEY: directory.key,
      READMIT_DIRECTORY_CACHE_MS: '0',
    },
    'embedded',
  );
});
afterAll(async () => {
  await intake.close();
  await mail.close();
  await directory.close();
});

const post = async (path: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
  const response = await fetch(`${intake.url}/api/intake${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

/** A case that somebody opens without a sign-in, with a key of their own making. */
async function openWithoutSignIn(subject: string): Promise<string> {
  const pair = await generateKeyPair('EdDSA', { extractable: true });
  const { x = '' } = await exportJWK(pair.publicKey);
  const key: ProofKey = { kty: 'OKP', crv: 'Ed25519', x };
  const { x: sealing = '' } = await exportJWK((await generateKeyPair('ECDH-ES', { crv: 'X25519', extractable: true })).publicKey);
  const keys = { signing: key, sealing: { kty: 'OKP', crv: 'X25519', x: sealing } };
  const body = {
    subject: { kind: 'person', id: subject },
    asks: [{ kind: 'factor.bypass', connector: 'demo-idp', object: subject }],
    reasonCode: 'lost-device',
    reason: 'my phone is gone',
    durationSeconds: 600,
    caseKey: { ...keys, fingerprint: engineCrypto.digest(keys) },
  };
  const proof = await makeProof(
    { method: 'POST', path: '/api/intake/cases', bodyDigest: createHash('sha256').update(JSON.stringify(body)).digest('base64url') },
    {
      key,
      now: new Date(),
      jti: randomUUID(),
      sign: (header, payload) => new CompactSign(Buffer.from(payload)).setProtectedHeader({ ...header }).sign(pair.privateKey),
    },
  );
  const opened = await post('/cases', body, { 'readmit-proof': proof, 'idempotency-key': randomUUID() });
  expect(opened).toMatchObject({ status: 202 });
  return String(opened.body['caseId']);
}

const textsTo = (address: string): readonly string[] =>
  mail.received.filter(({ to }) => to.includes(address)).map(({ raw }) => parsed(raw).text);
const sent = async (caseId: string) =>
  (await intake.emitted('readmit.notice.sent')).filter(({ key }) => key === caseId).map(({ data }) => data);

describe('a case that somebody opens without a sign-in, after the address of its subject was changed', () => {
  it('R5.4 is mailed to the new and to the old address, and the code in the mail to the old one ends it', async () => {
    // The first directory was read when intake started; only then can the address from before be known.
    await openWithoutSignIn('boris');
    await until(() => textsTo('boris@example.org').length === 1, { what: 'a mail to Boris arrives' });
    await directory.publish({ ada: ['mallory@new.example'], boris: ['boris@example.org'] });

    const caseId = await openWithoutSignIn('ada');
    await until(async () => (await sent(caseId)).length === 1, { what: 'the notice is recorded as sent' });
    expect(await sent(caseId)).toEqual([
      { caseId, noticeId: `${caseId}/notice-opened`, about: 'opened', channel: 'smtp', to: 'ada', addresses: 2 },
    ]);
    const [[old], [latest]] = [textsTo('ada@old.example'), textsTo('mallory@new.example')];
    expect(old).toBe(latest);
    expect(old).toContain(caseId);
    expect(mail.received.filter(({ raw }) => raw.includes(caseId)).map(({ to }) => to)).toEqual([
      ['mallory@new.example'],
      ['ada@old.example'],
    ]);
    // No mail shows the other address.
    for (const { raw, to } of mail.received.slice(-2))
      expect(raw).not.toContain(to.includes('ada@old.example') ? 'mallory@new.example' : 'ada@old.example');

    const code = /--code ([0-9A-Z-]+)/.exec(old ?? '')?.[1] ?? '';
    expect(await post(`/cases/${caseId}/repudiate`, { reason: 'It was not me', code })).toMatchObject({ status: 202 });
    expect((await intake.emitted('readmit.case.frozen')).map(({ data }) => data)).toEqual([
      expect.objectContaining({ caseId, by: 'repudiation-code', cause: 'repudiated' }),
    ]);
    await until(async () => (await sent(caseId)).length === 2, { what: 'the end is mailed' });
    expect(textsTo('ada@old.example')).toHaveLength(2);

    const events = await intake.emitted('readmit.case.opened', 'readmit.case.frozen', 'readmit.notice.sent', 'readmit.notice.given-up');
    for (const trace of [JSON.stringify(events), intake.logged.join('\n')]) expect(trace).not.toMatch(/@old\.example|@new\.example/);
  });

  it('R5.4 is mailed to the known addresses while the directory is down; with no address known it is given up, on record', async () => {
    directory.down = true;
    const caseId = await openWithoutSignIn('boris');
    await until(async () => (await sent(caseId)).length === 1, { what: 'the notice is recorded as sent' });
    directory.down = false;
    const nobody = await openWithoutSignIn('nobody-known');
    const givenUp = async () => (await intake.emitted('readmit.notice.given-up')).map(({ data }) => data);
    await until(async () => (await givenUp()).length > 0, { what: 'the notice is given up' });
    expect(await givenUp()).toEqual([expect.objectContaining({ caseId: nobody, to: 'nobody-known', reason: 'no address is on record' })]);
  });
});
