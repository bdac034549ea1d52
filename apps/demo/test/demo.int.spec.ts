/** The demo as a program: production, restart, lockout and its signal, the admin API's refusals, directory, mailbox, bad input. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Directory, routes } from '@readmit/contracts';
import { ProductionRefused, runDemo, startDemo, wrongConfiguration, type Demo, type DemoOptions } from '../src/index.js';
import { Ajv } from 'ajv';
import { compactVerify, createRemoteJWKSet, importJWK, jwtVerify } from 'jose';
import { URI } from 'otpauth';

let folder: string;
let running: Demo[];
let servers: Server[];
let logged: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'readmit-demo-'));
  running = [];
  servers = [];
  logged = [];
});
afterEach(async () => {
  for (const demo of running) await demo.stop();
  for (const server of servers) server.close();
  await rm(folder, { recursive: true });
});

async function started(options: DemoOptions = {}): Promise<Demo> {
  const demo = await startDemo({ env: {}, log: (entry) => logged.push(JSON.stringify(entry)), ...options });
  running.push(demo);
  return demo;
}
interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}
async function send(
  demo: Demo,
  method: string,
  route: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${demo.url}${route}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown>, headers: response.headers };
}
const persona = (demo: Demo, id: string) => {
  const found = demo.people[id];
  if (!found) throw new Error(`no persona ${id}`);
  return found;
};
const signIn = (demo: Demo, id: string, extra: Record<string, string>) =>
  send(demo, 'POST', '/demo/sign-in', { username: id, password: persona(demo, id).password, ...extra });

describe('starting', () => {
  it('refuses NODE_ENV=production with a reason and an exit code of its own', async () => {
    await expect(startDemo({ env: { NODE_ENV: 'production' } })).rejects.toBeInstanceOf(ProductionRefused);
    const stderr = new PassThrough();
    const env = { DEMO_PORT: '0', DEMO_STATE: path.join(folder, 'state') };
    expect(await runDemo({ ...env, NODE_ENV: 'production' }, { stdout: new PassThrough(), stderr })).toEqual({
      exitCode: wrongConfiguration,
    });
    expect(String(stderr.read())).toContain('refuses to start with NODE_ENV=production');
    await expect(stat(path.join(folder, 'state'))).rejects.toThrow('ENOENT'); // nothing was made
    const control = await runDemo({ ...env, NODE_ENV: 'development' }, { stdout: new PassThrough(), stderr });
    if (!('demo' in control)) throw new Error('the control did not start');
    running.push(control.demo);
  });

  it('keeps people, sessions, keys and letters over a restart, in files for their owner alone', async () => {
    const first = await started({ stateDir: folder });
    const port = Number(new URL(first.url).port);
    const code = URI.parse(persona(first, 'ada').totp).generate();
    const session = String((await signIn(first, 'ada', { code })).body['session']);
    const token = await first.token('readmit-intake');
    await send(first, 'POST', '/demo/mailbox', { to: 'ada', about: 'Notice', text: 'Was this you?' }, { authorization: `Bearer ${token}` });
    await first.stop();
    running = [];

    const again = await started({ stateDir: folder, port });
    expect(again.publicKeys).toEqual(first.publicKeys);
    expect(again.people).toEqual(first.people);
    expect((await send(again, 'GET', '/demo/me', undefined, { authorization: `Bearer ${session}` })).body).toMatchObject({ id: 'ada' });
    expect((await signIn(again, 'ada', { code })).body['reason']).toBe('wrong-code'); // a code opens once, also over a restart
    expect((await send(again, 'GET', '/demo/mailbox')).body).toMatchObject({ letters: [{ to: 'ada', about: 'Notice' }] });
    expect((await jwtVerify(token, createRemoteJWKSet(new URL(`${again.url}/jwks`)))).payload).toMatchObject({ aud: 'demo-admin' });
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['people.json', 'ada.jwk', 'payroll-app.json', 'mailbox.ndjson']));
    for (const { parentPath, name } of files) expect([name, (await stat(path.join(parentPath, name))).mode & 0o777]).toEqual([name, 0o600]);
    const people = await readFile(path.join(folder, 'people.json'), 'utf8');
    for (const hidden of [session, persona(first, 'ada').password]) expect(people).not.toContain(hidden);
  });
});

describe('lockout', () => {
  it('locks after five bad tries and reports it until it is taken, while sign-in never waits', async () => {
    const taken: { authorization: string; event: unknown }[] = [];
    let refusals = 2;
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        refusals -= 1;
        if (refusals < 0)
          taken.push({ authorization: String(request.headers.authorization), event: JSON.parse(Buffer.concat(parts).toString()) });
        response.writeHead(refusals < 0 ? 202 : 503).end();
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const demo = await started({
      signalUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/intake/signals`,
      signalRetryMs: 5,
    });
    const code = () => URI.parse(persona(demo, 'ada').totp).generate();
    const bad = () => send(demo, 'POST', '/demo/sign-in', { username: 'ada', password: 'guess' });
    for (let i = 0; i < 4; i += 1) expect((await bad()).body['reason']).toBe('wrong-credentials');
    expect((await signIn(demo, 'ada', { code: code() })).status).toBe(201); // four are not five, and a good one counts them away
    const tries = await Promise.all(Array.from({ length: 7 }, bad)); // at once: still five
    expect(tries.map(({ body }) => body['reason']).toSorted()).toEqual([
      'account-locked',
      'account-locked',
      ...Array<string>(5).fill('wrong-credentials'),
    ]);
    expect((await signIn(demo, 'ada', { code: code() })).status).toBe(423);
    expect((await signIn(demo, 'dana', {})).body['reason']).toBe('second-factor-required');

    const until = Date.now() + 10_000;
    while (taken.length === 0 && Date.now() < until) await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toHaveLength(1);
    expect(new Ajv({ strict: false }).validate(routes.publishSignal.event, taken[0]?.event)).toBe(true);
    expect(taken[0]?.event).toMatchObject({ type: 'readmit.idp.account-locked', subject: 'ada' });
    const { payload } = await jwtVerify(String(taken[0]?.authorization).slice(7), createRemoteJWKSet(new URL(`${demo.url}/jwks`)), {
      audience: 'readmit-api',
    });
    expect(payload).toMatchObject({ client_id: 'demo-idp', scope: 'signals:publish' });

    const bearer = { authorization: `Bearer ${await demo.token('readmit-execution')}` };
    const etag = String((await send(demo, 'GET', '/demo/admin/people/ada', undefined, bearer)).headers.get('etag'));
    expect(
      (await send(demo, 'POST', '/demo/admin/people/ada/unlock', { operation: 'op-1' }, { ...bearer, 'if-match': etag })).body,
    ).toMatchObject({ person: { locked: false } });
    expect((await signIn(demo, 'ada', {})).body['reason']).toBe('second-factor-required');
  });
});

describe('admin API', () => {
  it('refuses by exact reason: token, scope, version, reuse, canary; and does an operation once', async () => {
    const demo = await started();
    const bearer = { authorization: `Bearer ${await demo.token('readmit-execution')}` };
    const path = '/demo/admin/people/ada';
    const reason = async (answer: Promise<Answer>) => (await answer).body['reason'];
    expect(await reason(send(demo, 'GET', path))).toBe('no-token');
    expect(await reason(send(demo, 'GET', path, undefined, { authorization: `Bearer ${await demo.token('demo-idp')}` }))).toBe(
      'token-not-valid',
    );
    expect(await reason(send(demo, 'GET', path, undefined, { authorization: `Bearer ${await demo.token('readmit-intake')}` }))).toBe(
      'scope-missing',
    );
    const etag = String((await send(demo, 'GET', path, undefined, bearer)).headers.get('etag'));
    const remove = (operation: string, factor: string, headers: Record<string, string>) =>
      send(demo, 'POST', `${path}/factors/remove`, { operation, factor }, { ...bearer, ...headers });
    expect(await reason(remove('op', 'totp-ada-1', {}))).toBe('if-match-required');
    expect(await reason(remove('op', 'totp-ada-1', { 'if-match': '"99"' }))).toBe('version-changed');
    expect((await remove('op', 'totp-ada-1', { 'if-match': etag })).body).toMatchObject({ repeated: false, person: { factors: [] } });
    expect((await remove('op', 'totp-ada-1', { 'if-match': etag })).body).toMatchObject({ repeated: true });
    expect(await reason(remove('op', 'other', { 'if-match': etag }))).toBe('operation-reused');
    expect(
      await reason(send(demo, 'POST', '/demo/admin/people/demo-canary/unlock', { operation: 'c' }, { ...bearer, 'if-match': '"1"' })),
    ).toBe('canary');
    expect(await reason(send(demo, 'GET', '/demo/admin/people/nobody', undefined, bearer))).toBe('person-not-found');
    const read = JSON.stringify((await send(demo, 'GET', '/demo/admin/people/boris', undefined, bearer)).body);
    for (const hidden of ['secret', 'hash', 'salt']) expect(read).not.toContain(hidden);
  });
});

describe('directory and mailbox', () => {
  it('serves the directory signed, with its age, the same human under two accounts, and every persona', async () => {
    const issuedAt = new Date('2026-11-22T10:00:00.000Z');
    const demo = await started({ directoryIssuedAt: issuedAt });
    const jws = await (await fetch(demo.directoryUrl)).text();
    const { payload, protectedHeader } = await compactVerify(jws, await importJWK(demo.publicKeys.directory, 'EdDSA'));
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'readmit-directory+jwt', kid: demo.publicKeys.directory.kid });
    const document = JSON.parse(new TextDecoder().decode(payload)) as Directory;
    expect(new Ajv({ strict: false }).validate(Directory, document)).toBe(true);
    expect(document.issuedAt).toBe(issuedAt.toISOString());
    expect(document.people.filter(({ human }) => human === 'ada-lovelace').map(({ id }) => id)).toEqual(['ada', 'ada-admin']);
    expect(document.machines[0]?.consumers[0]).toEqual({ id: 'payroll-app', key: demo.publicKeys.consumers['payroll-app'] });
    const other = await started();
    await expect(compactVerify(jws, await importJWK(other.publicKeys.directory, 'EdDSA'))).rejects.toThrow('signature');
  });

  it('takes letters from the intake service alone, once each, and shows them as text', async () => {
    const demo = await started();
    const letter = { id: 'notice-1', to: 'ada', about: '<b>About</b>', text: 'Text' };
    const execution = { authorization: `Bearer ${await demo.token('readmit-execution')}` };
    expect((await send(demo, 'POST', '/demo/mailbox', letter, execution)).body['reason']).toBe('scope-missing');
    const intake = { authorization: `Bearer ${await demo.token('readmit-intake')}` };
    expect((await send(demo, 'POST', '/demo/mailbox', letter, intake)).status).toBe(201);
    expect((await send(demo, 'POST', '/demo/mailbox', letter, intake)).status).toBe(200);
    const page = await (await fetch(demo.mailboxUrl, { headers: { accept: 'text/html' } })).text();
    expect(page.match(/<li>/g)).toHaveLength(1);
    expect(page).toContain('&#60;b&#62;About');
    expect(page).toContain('Mailbox (demo)');
  });

  it('R5.4 delivers a letter to every address on record, that to a machine to those of its owners, and none to nobody', async () => {
    const demo = await started();
    const intake = { authorization: `Bearer ${await demo.token('readmit-intake')}` };
    const to = async (id: string) => {
      const { status, body } = await send(demo, 'POST', '/demo/mailbox', { to: id, about: 'opened', text: 'Text' }, intake);
      const { letters } = (await send(demo, 'GET', '/demo/mailbox')).body as { letters: { to: string; addresses: string[] }[] };
      return [status, body['addresses'], letters.find((letter) => letter.to === id)?.addresses];
    };
    expect(await to('ada')).toEqual([201, 2, ['phone +44 20 7946 0101', 'email ada@example.test']]);
    expect(await to('ada-admin')).toEqual([201, 1, ['phone +44 20 7946 0101']]);
    const [, , pats] = await to('pat');
    expect(await to('svc-payroll')).toEqual([201, 2, pats]);
    expect(await to('nobody')).toEqual([404, undefined, undefined]);
  });
});

describe('bad input', () => {
  it('R8.3 is answered with a problem and a reason, never with a stack or what was sent', async () => {
    const demo = await started();
    const secret = 'hunter2-hunter2';
    const answers = [
      [await send(demo, 'POST', '/demo/sign-in', `{"password":"${secret}"`), 400, 'malformed'],
      [await send(demo, 'POST', '/demo/sign-in', { username: 'ada', password: secret, extra: secret }), 400, 'malformed'],
      [await send(demo, 'POST', '/demo/sign-in', { username: 7, password: secret }), 400, 'malformed'],
      [await send(demo, 'POST', '/demo/sign-in', { username: 'ada', password: secret.repeat(2000) }), 413, 'too-large'],
      [await send(demo, 'POST', '/demo/sign-in', '<a/>', { 'content-type': 'application/xml' }), 415, 'media-type'],
      [await send(demo, 'GET', '/demo/nothing'), 404, 'no-such-route'],
      [await send(demo, 'GET', '/interaction/none'), 400, 'sign-in-not-found'],
      [await send(demo, 'POST', '/demo/sign-in', { username: '__proto__', password: secret }), 401, 'wrong-credentials'],
      [await send(demo, 'POST', '/demo/sign-in', { username: 'demo-canary', password: secret }), 401, 'wrong-credentials'],
    ] as const;
    for (const [{ status, body, headers }, expected, reason] of answers) {
      expect([status, body['reason'], body['type']]).toEqual([expected, reason, `urn:readmit:problem:${reason}`]);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(JSON.stringify(body)).not.toMatch(/hunter2|node_modules|\.[jt]s:/);
    }
    expect(logged.join('\n')).not.toContain('hunter2');
    expect((await signIn(demo, 'ada', { code: URI.parse(persona(demo, 'ada').totp).generate() })).status).toBe(201);
  });
});
