/** What every service has besides its routes: limits, health, metrics, parked messages, error mapping, logs, trace context. The engine is a fake. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { CommandRefusal } from '@readmit/domain';
import { Controller } from '@nestjs/common';
import { problemPage } from '../src/http/problem-page.js';
import { assertAllServed } from '../src/http/serves.js';
import { makeCaseKey } from './case-key.js';
import { startScheduler, schedulerControllers, type TestService } from './scheduler.js';
import { startIssuer, type TestIssuer } from './issuer.js';

let issuer: TestIssuer;
let service: TestService;
beforeAll(async () => {
  issuer = await startIssuer();
  service = await startScheduler(issuer.url);
});
afterEach(() => {
  service.engine.refusal = undefined;
  service.engine.broken = undefined;
  service.engine.ready = true;
});
afterAll(async () => {
  await service.http.close();
  await issuer.close();
});
const end = (token: string, headers: Record<string, string> = {}, from: TestService = service) =>
  from.http.inject({
    method: 'POST',
    url: '/api/revocation/cases/case_1/end',
    payload: { reason: 'Done.' },
    headers: { authorization: `Bearer ${token}`, ...headers },
  });

describe('a link that somebody opens in a browser', () => {
  const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
  const get = (accept: string, url = '/api/revocation/cases/case_1', method: 'GET' | 'POST' = 'GET') =>
    service.http.inject({ method, url, headers: { accept } });

  it('is answered with a page that names the command; a program gets the problem', async () => {
    const page = await get(browser);
    expect([page.statusCode, page.headers['content-type'], page.headers['cache-control']]).toEqual([
      401,
      'text/html; charset=utf-8',
      'no-store',
    ]);
    expect(page.body).toContain('<h1>Not signed in</h1>');
    expect(page.body).toContain('<code>readmit case show case_1</code>');
    for (const accept of ['*/*', 'application/json', 'application/problem+json'])
      expect((await get(accept)).headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect((await get(browser, '/api/revocation/cases/case_1/end', 'POST')).headers['content-type']).toMatch(/^application\/problem/);
  });

  it('R8.3 repeats nothing of the address as markup', async () => {
    const { body } = await get(browser, '/api/revocation/cases/%3Cb%3Ecase_1/none%22');
    expect(body).toContain('<h1>Not found</h1>');
    expect(body).not.toMatch(/<b>|%3Cb|none/);
    const quoted = problemPage({ type: 'x', title: 'Not found', status: 404, detail: `no case <b>"'&` }, '/api/intake/cases/<b>');
    expect(quoted).toContain('<p>no case &lt;b&gt;&quot;&#39;&amp;</p>');
    expect(quoted).not.toContain('<b>');
  });
});

describe('a refusal of the domain', () => {
  it.each([
    ['forbidden', 403, undefined],
    ['conflict', 409, undefined],
    ['not-ready', 409, '1'],
    ['not-found', 404, undefined],
    ['invalid', 422, undefined],
  ] as const)('%s is answered %i', async (as, status, retry) => {
    service.engine.refusal = {
      refused: true,
      as,
      rule: 'R6.4',
      reason: 'nothing-to-end',
      message: 'The case has no grant.',
    } satisfies CommandRefusal;
    const response = await end(await issuer.token());
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({
      type: 'urn:readmit:problem:nothing-to-end',
      rule: 'R6.4',
      reason: 'nothing-to-end',
      detail: 'The case has no grant.',
      status,
    });
    expect(response.headers['retry-after']).toBe(retry);
  });
});

describe('an error that nobody expected', () => {
  it('shows the client a request id and nothing else, and is logged under it', async () => {
    service.engine.broken = new Error('relation "secret_table" does not exist');
    const response = await end(await issuer.token());
    const problem = response.json() as { reason: string; instance: string };
    expect({ status: response.statusCode, reason: problem.reason }).toEqual({ status: 500, reason: 'internal' });
    expect(response.payload).not.toContain('secret_table');
    const id = problem.instance.replace('urn:readmit:request:', '');
    expect(response.headers['x-request-id']).toBe(id);
    expect(service.lines.some((line) => line.includes(id) && line.includes('secret_table'))).toBe(true);
  });
  it('is 503 with Retry-After when the database is gone', async () => {
    service.engine.broken = Object.assign(new Error('terminating connection'), { code: '57P01' });
    const response = await end(await issuer.token());
    expect({
      status: response.statusCode,
      reason: (response.json() as { reason: string }).reason,
      retry: response.headers['retry-after'],
    }).toEqual({ status: 503, reason: 'backend-unavailable', retry: '1' });
  });
  it('is an answer that has not the shape of the catalogue', async () => {
    const token = await issuer.token();
    const of = (id: string) => service.http.inject({ url: `/api/revocation/cases/${id}`, headers: { authorization: `Bearer ${token}` } });
    expect((await of('case_wrong')).statusCode).toBe(500);
    expect((await of('case_right')).statusCode).toBe(200);
  });
});

describe('the issuer', () => {
  it('is asked for its keys once, when the first token comes', async () => {
    const fresh = await startIssuer();
    const other = await startScheduler(fresh.url);
    expect(fresh.asked.keys).toBe(0);
    for (let n = 0; n < 3; n++) expect((await end(await fresh.token(), {}, other)).statusCode).toBe(202);
    expect(fresh.asked.keys).toBe(1);
    await other.http.close();
    await fresh.close();
  });
  it('that is down gives 503 with Retry-After, not 401', async () => {
    const fresh = await startIssuer();
    const other = await startScheduler(fresh.url);
    fresh.break();
    const response = await end(await fresh.token(), {}, other);
    expect({
      status: response.statusCode,
      reason: (response.json() as { reason: string }).reason,
      retry: response.headers['retry-after'],
    }).toEqual({ status: 503, reason: 'issuer-unavailable', retry: '5' });
    await other.http.close();
    await fresh.close();
  });
});

describe('the rate', () => {
  it('is limited by actor when somebody is signed in', async () => {
    const limited = await startScheduler(issuer.url, { perActor: 2 });
    const [ada, erin] = await Promise.all([issuer.token(), issuer.token({ sub: 'person:erin' })]);
    expect((await end(ada, {}, limited)).statusCode).toBe(202);
    expect((await end(ada, {}, limited)).statusCode).toBe(202);
    const third = await end(ada, {}, limited);
    expect({ status: third.statusCode, reason: (third.json() as { reason: string }).reason }).toEqual({
      status: 429,
      reason: 'rate-exceeded',
    });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
    expect((await end(erin, {}, limited)).statusCode).toBe(202);
    await limited.http.close();
  });
  it('is limited by address when nobody is, and when signing in fails', async () => {
    const limited = await startScheduler(issuer.url, { perAddress: 2 });
    const key = await makeCaseKey();
    const path = '/api/revocation/cases/case_1';
    const read = async (remoteAddress: string) =>
      limited.http.inject({ url: path, remoteAddress, headers: { 'readmit-proof': await key.proof({ method: 'GET', path }) } });
    expect((await read('10.0.0.1')).statusCode).toBe(200);
    expect((await read('10.0.0.1')).statusCode).toBe(200);
    expect((await read('10.0.0.1')).statusCode).toBe(429);
    expect((await read('10.0.0.2')).statusCode).toBe(200);
    const guess = () => limited.http.inject({ url: path, remoteAddress: '10.0.0.3', headers: { authorization: 'Bearer abc' } });
    expect([(await guess()).statusCode, (await guess()).statusCode, (await guess()).statusCode]).toEqual([401, 401, 429]);
    await limited.http.close();
  });
});

describe('the body of who asks too often', () => {
  const url = '/api/revocation/cases/case_1/end';
  const type = { 'content-type': 'application/json' };
  const bodies = { broken: '{"reason":', large: JSON.stringify({ reason: 'x'.repeat(1024 * 1024) }) };
  const reasonOf = (response: { json(): unknown }) => (response.json() as { reason: string }).reason;

  it.each([
    ['broken', 'broken-json'],
    ['large', 'body-too-large'],
  ] as const)('R8.3 is not parsed: a %s one is refused for the rate, and within the rate as %s', async (which, refused) => {
    const limited = await startScheduler(issuer.url, { perAddress: 1, perActor: 1 });
    const post = (headers: object, remoteAddress: string) =>
      limited.http.inject({ method: 'POST', url, remoteAddress, payload: bodies[which], headers: { ...type, ...headers } });
    // Nobody, somebody, and somebody who fails to sign in, who never gets as far as a body.
    expect([reasonOf(await post({}, '10.1.0.1')), reasonOf(await post({}, '10.1.0.1'))]).toEqual([refused, 'rate-exceeded']);
    const ada = { authorization: `Bearer ${await issuer.token()}` };
    expect([reasonOf(await post(ada, '10.1.0.2')), reasonOf(await post(ada, '10.1.0.3'))]).toEqual([refused, 'rate-exceeded']);
    const guess = { authorization: 'Bearer abc' };
    expect([reasonOf(await post(guess, '10.1.0.4')), reasonOf(await post(guess, '10.1.0.4'))]).toEqual([
      'token-malformed',
      'rate-exceeded',
    ]);
    await limited.http.close();
  });

  it('R8.3 counts who looks for paths that are not there, and leaves health and metrics open', async () => {
    const limited = await startScheduler(issuer.url, { perAddress: 1 });
    const get = async (path: string) => (await limited.http.inject({ url: path, remoteAddress: '10.1.1.1' })).statusCode;
    expect([await get('/admin'), await get('/admin')]).toEqual([404, 429]);
    expect([await get('/health/live'), await get('/health/ready'), await get('/metrics')]).toEqual([200, 200, 200]);
    await limited.http.close();
  });
});

describe('somebody with many addresses', () => {
  const path = '/api/revocation/cases/case_1';
  it('is one caller where they are of one IPv6 network; the next network is another', async () => {
    const limited = await startScheduler(issuer.url, { perAddress: 2 });
    const key = await makeCaseKey();
    const read = async (remoteAddress: string) => {
      const headers = { 'readmit-proof': await key.proof({ method: 'GET', path }) };
      return (await limited.http.inject({ url: path, remoteAddress, headers })).statusCode;
    };
    expect([await read('2001:db8:0:1::1'), await read('2001:db8:0:1::2'), await read('2001:db8:0:1:ffff::3')]).toEqual([200, 200, 429]);
    expect(await read('2001:db8:0:2::1')).toBe(200);
    expect([await read('10.0.0.9'), await read('::ffff:10.0.0.9'), await read('10.0.0.9')]).toEqual([200, 200, 429]);
    await limited.http.close();
  });
  it('does not drive out the count of another caller', async () => {
    const limited = await startScheduler(issuer.url, { perAddress: 1 });
    const guess = (remoteAddress: string) => limited.http.inject({ url: path, remoteAddress });
    expect([(await guess('10.1.0.1')).statusCode, (await guess('10.1.0.1')).statusCode]).toEqual([401, 429]);
    for (let n = 0; n < 6000; n++) await guess(`10.2.${n >> 8}.${n & 255}`);
    expect((await guess('10.1.0.1')).statusCode).toBe(429);
    await limited.http.close();
  });
  it('is counted also while the issuer is away, when no token can be judged', async () => {
    const fresh = await startIssuer();
    const limited = await startScheduler(fresh.url, { perAddress: 2 });
    const token = await fresh.token();
    fresh.break();
    const guess = async () =>
      (await limited.http.inject({ url: path, remoteAddress: '10.0.0.4', headers: { authorization: `Bearer ${token}` } })).statusCode;
    expect([await guess(), await guess(), await guess()]).toEqual([503, 503, 429]);
    await limited.http.close();
    await fresh.close();
  });
});

describe('health', () => {
  it('is live whatever the engine does', async () => {
    service.engine.broken = new Error('gone');
    expect((await service.http.inject('/health/live')).json()).toEqual({ status: 'live', service: 'revocation-scheduler' });
  });
  it('is ready by progress, and says why not', async () => {
    expect((await service.http.inject('/health/ready')).statusCode).toBe(200);
    service.engine.ready = false;
    const response = await service.http.inject('/health/ready');
    expect({ status: response.statusCode, says: (response.json() as { says: string }).says }).toEqual({
      status: 503,
      says: 'behind and not moving',
    });
    service.engine.broken = new Error('password=hunter2');
    const broken = await service.http.inject('/health/ready');
    expect(broken.statusCode).toBe(503);
    expect(broken.payload).not.toContain('hunter2');
  });
  it('shows metrics of the engine and of requests', async () => {
    service.engine.lag = 17;
    await end(await issuer.token());
    const text = (await service.http.inject('/metrics')).payload;
    expect(text).toContain('readmit_lag_records{service="revocation-scheduler"} 17');
    expect(text).toContain('readmit_ready{service="revocation-scheduler"} 1');
    expect(text).toContain('readmit_batches_total{service="revocation-scheduler"} 3');
    expect(text).toContain('readmit_messages_total{service="revocation-scheduler"} 12');
    expect(text).toMatch(
      /readmit_http_request_seconds_count\{service="revocation-scheduler",method="POST",route="\/api\/revocation\/cases\/:caseId\/end",status="202"\} \d+/,
    );
    service.engine.broken = new Error('the database is away');
    const away = (await service.http.inject('/metrics')).payload;
    expect(away).toContain('readmit_ready{service="revocation-scheduler"} 0');
    expect(away).not.toMatch(/^readmit_lag_records\{/m);
  });
});

describe('parked messages', () => {
  const ask = async (method: 'GET' | 'POST', url: string, teams: string[], payload?: object) =>
    service.http.inject({
      method,
      url,
      headers: { authorization: `Bearer ${await issuer.token({ teams })}` },
      ...(payload ? { payload } : {}),
    });
  it('are for operators alone', async () => {
    const refused = await ask('GET', '/api/revocation/parked', []);
    expect({ status: refused.statusCode, reason: (refused.json() as { reason: string }).reason }).toEqual({
      status: 403,
      reason: 'not-an-operator',
    });
    expect((await ask('GET', '/api/revocation/parked', ['platform-operators'])).json()).toHaveLength(1);
  });
  it('are shown and settled by id, in the name of who did it', async () => {
    expect((await ask('GET', '/api/revocation/parked/parked-1', ['platform-operators'])).json()).toMatchObject({
      id: 'parked-1',
      reason: 'bad-signature',
    });
    const settled = await ask('POST', '/api/revocation/parked/parked-1', ['platform-operators'], { action: 'redrive' });
    expect({ status: settled.statusCode, state: (settled.json() as { state: string }).state }).toEqual({ status: 202, state: 'redriven' });
    expect(service.engine.settled.at(-1)).toBe('parked-1 redrive person:ada');
    expect(((await ask('GET', '/api/revocation/parked/parked-2', ['platform-operators'])).json() as { reason: string }).reason).toBe(
      'no-such-parked-message',
    );
  });
});

describe('a request', () => {
  it('hands its trace context to the engine, and begins one when there is none', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await end(await issuer.token(), { traceparent });
    expect(service.engine.commanded.at(-1)?.traceparent).toBe(traceparent);
    await end(await issuer.token(), { traceparent: 'nonsense' });
    expect(service.engine.commanded.at(-1)?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });
  it('leaves no credential and no URL in the log', async () => {
    const token = await issuer.token();
    await end(token);
    const log = service.lines.join('');
    expect(log).toContain('/api/revocation/cases/:caseId/end');
    expect(log).not.toContain(token);
    expect(log).not.toContain(token.split('.')[2]);
    expect(log).not.toContain('Done.');
  });
  it('is answered with headers that forbid framing, sniffing and caching', async () => {
    const { headers } = await service.http.inject('/health/live');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
  });
});

describe('the controllers of a service', () => {
  it('must serve every route of it', () => {
    @Controller()
    class Nothing {}
    expect(() => assertAllServed('revocation-scheduler', [Nothing])).toThrow(
      "endEarly has no handler: add a method with @Serves('endEarly')",
    );
    expect(() => assertAllServed('intake', schedulerControllers(service.engine))).toThrow('endEarly belongs to revocation-scheduler');
  });
});
