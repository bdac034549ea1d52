/**
 * Every bad request of the list is refused with its own reason, and a control with one thing changed is served. Requests go through
 * fastify's inject: parsing, guards, checks and error mapping are the real ones; the engine is a fake.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { routes, type Route } from '@readmit/contracts';
import { makeCaseKey, type TestCaseKey } from './case-key.js';
import { startScheduler, type TestService } from './scheduler.js';
import { startIssuer, type TestIssuer } from './issuer.js';

let issuer: TestIssuer;
let service: TestService;
let ada: string;
let caseKey: TestCaseKey;
beforeAll(async () => {
  issuer = await startIssuer();
  service = await startScheduler(issuer.url);
  ada = await issuer.token();
  caseKey = await makeCaseKey();
});
afterAll(async () => {
  await service.http.close();
  await issuer.close();
});

const path = '/api/revocation/cases/case_1/end';
const good = JSON.stringify({ reason: 'Done.' });
interface Sent {
  readonly payload?: string | Buffer;
  readonly url?: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS' | 'QUERY' | 'PROPFIND';
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string | null;
  /** `null`: no content type. */
  readonly type?: null;
}
interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly json: {
    readonly reason?: string;
    readonly detail?: string;
    readonly errors?: readonly { readonly where: string; readonly what: string }[];
    readonly type?: string;
  };
}
async function send({ payload = good, url = path, method = 'POST', headers = {}, token = ada, type }: Sent): Promise<Got> {
  const response = await service.http.inject({
    method: method as 'GET',
    url,
    ...(method === 'GET' ? {} : { payload }),
    headers: {
      ...(method === 'GET' || type === null ? {} : { 'content-type': 'application/json' }),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  const json = /json/.test(String(response.headers['content-type'])) ? (response.json() as Got['json']) : {};
  return { status: response.statusCode, headers: response.headers, json, text: response.payload };
}
const nested = (levels: number) => `{"reason":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

describe('a request', () => {
  it('R8.3 is served when nothing is wrong with it (the control of this file)', async () => {
    const { status, json } = await send({});
    expect({ status, json }).toEqual({ status: 202, json: { caseId: 'case_1', link: '/api/revocation/cases/case_1' } });
  });

  it.each([
    ['10 MB of body', { payload: JSON.stringify({ reason: 'x'.repeat(10 * 1024 * 1024) }) }, 413, 'body-too-large'],
    [
      'broken UTF-8',
      { payload: Buffer.concat([Buffer.from('{"reason":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]) },
      400,
      'broken-utf8',
    ],
    ['broken JSON', { payload: '{"reason":' }, 400, 'broken-json'],
    ['33 levels of JSON', { payload: nested(33) }, 400, 'json-too-deep'],
    ['a raw null byte', { payload: Buffer.from('{"reason":"a\0b"}') }, 400, 'null-character'],
    ['an escaped null character', { payload: '{"reason":"a\\u0000b"}' }, 400, 'null-character'],
    ['half a surrogate pair', { payload: '{"reason":"\\ud800"}' }, 400, 'broken-unicode'],
    ['a field named __proto__', { payload: '{"reason":"x","__proto__":{"a":1}}' }, 400, 'forbidden-field'],
    ['a body that is not JSON', { headers: { 'content-type': 'text/plain' } }, 415, 'media-type'],
    ['a body that is a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415, 'media-type'],
    ['broken percent encoding', { url: '/api/revocation/cases/%zz/end' }, 400, 'bad-url'],
    ['an unknown path', { url: '/api/revocation/nothing' }, 404, 'no-such-route'],
    ['a path of another service', { url: '/api/intake/cases' }, 404, 'no-such-route'],
    ['a method that the path has not', { method: 'PUT' }, 405, 'method-not-allowed'],
    ['the method QUERY', { method: 'QUERY' }, 405, 'method-not-allowed'],
    ['the method QUERY without a content type', { method: 'QUERY', type: null }, 405, 'method-not-allowed'],
    ['the method QUERY on an unknown path', { method: 'QUERY', type: null, url: '/api/revocation/nothing' }, 404, 'no-such-route'],
    ['a method that fastify does not know', { method: 'PROPFIND' }, 405, 'method-not-allowed'],
    ['a slash behind the path', { url: `${path}/` }, 404, 'no-such-route'],
    ['a name twice in an object', { payload: '{"reason":"Done.","reason":"Other."}' }, 400, 'name-repeated'],
    ['a body that is compressed', { headers: { 'content-encoding': 'gzip' } }, 415, 'content-encoding'],
    ['a body of no type', { type: null }, 415, 'media-type'],
    ['a body of a type that is none', { headers: { 'content-type': 'json' } }, 415, 'media-type'],
    ['a version that is none', { headers: { 'if-match': '7' } }, 400, 'if-match'],
  ] as const)('R8.3 with %s is refused', async (_what, sent, status, reason) => {
    const before = service.calls.length;
    const got = await send(sent);
    expect({ status: got.status, reason: got.json.reason, type: got.headers['content-type'] }).toEqual({
      status,
      reason,
      type: 'application/problem+json; charset=utf-8',
    });
    expect(got.json.type).toBe(`urn:readmit:problem:${reason}`);
    expect(got.text).not.toMatch(/at .*\.(ts|js)|node_modules|stack/);
    expect(service.calls.length).toBe(before);
  });

  it('with 32 levels of JSON is parsed and refused for its shape only', async () => {
    const { status, json } = await send({ payload: nested(32) });
    expect({ status, reason: json.reason }).toEqual({ status: 400, reason: 'invalid-request' });
  });

  it('R8.3 is told all that is wrong with its shape at once, by place', async () => {
    const { status, json } = await send({
      url: '/api/revocation/parked/parked%20one?force=1',
      payload: '{"action":"explode","more":true}',
      token: await issuer.token({ teams: ['platform-operators'] }),
    });
    expect(status).toBe(400);
    expect(json.reason).toBe('invalid-request');
    expect(json.errors).toHaveLength(4);
    expect(json.errors).toEqual(
      expect.arrayContaining([
        {
          where: '/params/parkedId',
          what: 'is not an id: it has the character U+0020; letters, digits and . _ : / @ | + # ~ = % ! $ & * \\ - are allowed',
        },
        { where: '/query/force', what: 'is an unknown field' },
        { where: '/body/more', what: 'is an unknown field' },
        { where: '/body/action', what: 'must be one of redrive, discard' },
      ]),
    );
  });

  it.each([
    ['an unknown query parameter', { url: `${path}?force=1` }, [{ where: '/query/force', what: 'is an unknown field' }]],
    ['a missing field', { payload: '{}' }, [{ where: '/body/reason', what: 'is missing' }]],
    ['a field of a wrong type', { payload: '{"reason":7}' }, [{ where: '/body/reason', what: 'must be string' }]],
    ['no body', { payload: '' }, [{ where: '/body', what: 'is missing; send a JSON object' }]],
    ['an array for a body', { payload: '[]' }, [{ where: '/body', what: 'must be object' }]],
    [
      'a null byte in the path',
      { url: '/api/revocation/cases/a%00b/end' },
      [{ where: '/params/caseId', what: expect.stringMatching(/^is not an id: it has the character U\+0000; letters/) }],
    ],
    [
      'an id of 256 characters in the path',
      { url: `/api/revocation/cases/${'a'.repeat(256)}/end` },
      [{ where: '/params/caseId', what: 'is not an id: it has 256 characters, at most 255 are allowed' }],
    ],
  ] as const)('R8.3 with %s is refused by place', async (_what, sent, errors) => {
    const { status, json } = await send(sent);
    expect({ status, reason: json.reason, errors: json.errors }).toEqual({ status: 400, reason: 'invalid-request', errors });
  });

  it('has a least and a largest value for every number in a query, so that none is too large for where it goes', () => {
    const bounds = (Object.values(routes) as Route[]).flatMap(({ query }) =>
      Object.values(
        (query as { properties?: Record<string, { type?: string; minimum?: number; maximum?: number }> } | undefined)?.properties ?? {},
      )
        .filter(({ type }) => type === 'integer' || type === 'number')
        .map(
          ({ type, minimum, maximum }) => type === 'integer' && (minimum ?? -1) >= 0 && (maximum ?? Infinity) <= Number.MAX_SAFE_INTEGER,
        ),
    );
    expect(bounds.length).toBeGreaterThan(2);
    expect(bounds).not.toContain(false);
  });

  it('reads numbers in a query, and refuses what is none', async () => {
    const token = await issuer.token({ teams: ['platform-operators'] });
    expect((await send({ method: 'GET', url: '/api/revocation/parked?limit=5', token })).status).toBe(200);
    for (const text of ['many', '1e3', '0x10', '%205', '5.0', '', '5&limit=6', '9'.repeat(21)]) {
      const { json } = await send({ method: 'GET', url: `/api/revocation/parked?limit=${text}`, token });
      expect(json.errors).toEqual([{ where: '/query/limit', what: 'must be integer' }]);
    }
    const { json } = await send({ method: 'GET', url: '/api/revocation/parked?limit=1001', token });
    expect(json.errors).toEqual([{ where: '/query/limit', what: 'must be <= 1000' }]);
  });

  it('names the methods of the path when it is refused for its method', async () => {
    expect((await send({ method: 'DELETE' })).headers['allow']).toBe('POST');
    expect((await send({ method: 'DELETE', url: '/api/revocation/parked' })).headers['allow']).toBe('GET, HEAD');
  });
});

describe('a token', () => {
  const now = Math.floor(Date.now() / 1000);
  const tokens: readonly (readonly [string, () => Promise<string | null>, string])[] = [
    ['that is missing', async () => null, 'credentials-missing'],
    ['that has expired', () => issuer.token({}, { issuedAt: now - 600, expiresAt: now - 60 }), 'token-expired'],
    ['that is issued in the future', () => issuer.token({}, { issuedAt: now + 120, expiresAt: now + 600 }), 'token-issued-in-future'],
    ['of another issuer', () => issuer.token({ iss: 'https://mallory.example' }), 'token-issuer'],
    ['for another audience', () => issuer.token({ aud: 'payroll' }), 'token-audience'],
    ['signed by Mallory', () => issuer.token({}, { signWith: 'foreign' }), 'token-signature'],
    ['that is an ID token', () => issuer.token({}, { typ: 'JWT' }), 'token-type'],
    ['whose teams are text', () => issuer.token({ teams: 'platform-operators' }), 'token-claims'],
    ['whose subject is an address', () => issuer.token({ sub: 'ada lovelace' }), 'token-claims'],
    [
      'without a signature',
      async () =>
        `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${Buffer.from('{"sub":"person:ada"}').toString('base64url')}.`,
      'token-algorithm',
    ],
    ['that is no token', async () => 'abc', 'token-malformed'],
  ];
  it.each(tokens)('%s is refused with its reason', async (_what, token, reason) => {
    const { status, json, headers } = await send({ token: await token() });
    expect({ status, reason: json.reason }).toEqual({ status: 401, reason });
    expect(headers['www-authenticate']).toContain(
      reason === 'credentials-missing' ? 'Bearer realm="readmit", Readmit-Proof' : `error_description="${reason}"`,
    );
  });

  it('within the tolerance of clocks is taken', async () => {
    expect(
      (await send({ token: await issuer.token({}, { issuedAt: now - 300, expiresAt: Math.floor(Date.now() / 1000) - 1 }) })).status,
    ).toBe(202);
  });

  it.each([
    'a'.repeat(129),
    'a'.repeat(255),
    'auth0|5f7c8ec7c33c6c004bbafe82',
    'google-oauth2|117',
    'ada+readmit@example.test',
    'ACME\\erin',
    'erin#EXT#@tenant.example',
  ])('of %s signs in, and the handler is told that very id', async (sub) => {
    expect((await send({ token: await issuer.token({ sub }) })).status).toBe(202);
    expect(service.calls.at(-1)?.actor?.id).toBe(sub);
  });

  it.each([
    ['ada lovelace', 'it has the character U+0020'],
    ['o"brien', 'it has the character " (U+0022)'],
    ['ada\n', 'it has the character U+000A'],
    ['a'.repeat(256), 'it has 256 characters, at most 255 are allowed'],
    ['', 'it is empty'],
  ])('of %j is refused, and the answer names what is wrong with it', async (sub, fault) => {
    const { status, json } = await send({ token: await issuer.token({ sub }) });
    expect({ status, reason: json.reason }).toEqual({ status: 401, reason: 'token-claims' });
    expect(json.detail).toContain(`The claim sub of the token is not an id that is taken: ${fault}`);
  });

  it('hands subject, teams, client and the time of the sign-in to the handler', async () => {
    await send({ token: await issuer.token({ sub: 'person:erin', teams: ['admins'], auth_time: now - 30, acr: 'gold' }) });
    expect(service.calls.at(-1)?.actor).toEqual({
      id: 'person:erin',
      teams: ['admins'],
      authTime: now - 30,
      acr: 'gold',
      clientId: 'readmit-cli',
    });
  });

  it.each([
    ['that names itself', { sub: 'billing-job', client_id: 'billing-job' }],
    ['of an identity provider under an account of its own', { sub: '0f8fad5b-d9cb', client_id: 'demo-idp' }],
  ])('R1.8 of a client %s is nobody’s sign-in: it is refused with 403 and on record', async (_what, claims) => {
    for (const asked of [{}, { method: 'GET' as const, url: '/api/revocation/cases/case_1' }]) {
      const { status, json } = await send({ ...asked, token: await issuer.token(claims) });
      expect({ status, reason: json.reason }).toEqual({ status: 403, reason: 'not-a-person' });
      expect(service.engine.refusals.at(-1)).toMatchObject({ actor: claims.sub, refusal: { rule: 'R1.8', reason: 'not-a-person' } });
      // The control: a person who came by a client.
      expect((await send({ ...asked, token: await issuer.token({ client_id: 'billing-job' }) })).status).toBeLessThan(300);
    }
    // Operators may give their work to a client.
    const url = '/api/revocation/cases/case_1/contain';
    expect((await send({ url, token: await issuer.token({ ...claims, teams: ['platform-operators'] }) })).status).toBe(202);
  });

  it('of somebody who is no operator is refused with 403, and the refusal is recorded first', async () => {
    const url = '/api/revocation/cases/case_1/contain';
    const refused = await send({ url });
    expect({ status: refused.status, reason: refused.json.reason }).toEqual({ status: 403, reason: 'not-an-operator' });
    expect(service.engine.refusals.at(-1)).toMatchObject({
      name: 'contain',
      actor: 'person:ada',
      refusal: { rule: 'R4.6', reason: 'not-an-operator' },
    });
    expect((await send({ url, token: await issuer.token({ teams: ['platform-operators'] }) })).status).toBe(202);
  });

  it('R7.1 is answered 503 and not 403 when the refusal cannot be recorded', async () => {
    service.engine.broken = new Error('password=hunter2 at 10.0.0.7');
    const { status, json, text, headers } = await send({ url: '/api/revocation/cases/case_1/contain' });
    service.engine.broken = undefined;
    expect({ status, reason: json.reason, retry: headers['retry-after'] }).toEqual({
      status: 503,
      reason: 'audit-unavailable',
      retry: '1',
    });
    expect(text).not.toContain('hunter2');
  });
});

describe('a proof of the case key', () => {
  const get = '/api/revocation/cases/case_1';
  const withProof = async (proof: string, sent: Sent = {}) =>
    send({ token: null, ...sent, headers: { 'readmit-proof': proof, ...sent.headers } });

  it('opens the route of its case without a sign-in, and its key reaches the handler', async () => {
    expect((await withProof(await caseKey.proof({ method: 'POST', path, body: good }))).status).toBe(202);
    expect(service.calls.at(-1)?.proof).toEqual({ signing: caseKey.key });
    expect((await withProof(await caseKey.proof({ method: 'GET', path: get }), { method: 'GET', url: get })).status).toBe(200);
  });

  it('is refused when it is replayed', async () => {
    const proof = await caseKey.proof({ method: 'POST', path, body: good });
    expect((await withProof(proof)).status).toBe(202);
    const { status, json } = await withProof(proof);
    expect({ status, reason: json.reason }).toEqual({ status: 401, reason: 'proof-replayed' });
  });

  const proofs: readonly (readonly [string, () => Promise<string>, string])[] = [
    ['another path', () => caseKey.proof({ method: 'POST', path: '/api/revocation/cases/case_2/end', body: good }), 'proof-path'],
    ['another query', () => caseKey.proof({ method: 'POST', path: `${path}?a=1`, body: good }), 'proof-path'],
    ['another method', () => caseKey.proof({ method: 'GET', path, body: good }), 'proof-method'],
    ['another body', () => caseKey.proof({ method: 'POST', path, body: '{"reason":"Other."}' }), 'proof-body'],
    ['no body', () => caseKey.proof({ method: 'POST', path }), 'proof-body'],
    ['a minute ago', () => caseKey.proof({ method: 'POST', path, body: good }, { now: new Date(Date.now() - 62_000) }), 'proof-stale'],
    [
      'a minute ahead',
      () => caseKey.proof({ method: 'POST', path, body: good }, { now: new Date(Date.now() + 62_000) }),
      'proof-from-future',
    ],
    ['another use', () => caseKey.proof({ method: 'POST', path, body: good }, { typ: 'dpop+jwt' }), 'proof-type'],
    [
      'a key that it does not hold',
      async () => caseKey.proof({ method: 'POST', path, body: good }, { key: (await makeCaseKey()).key }),
      'proof-signature',
    ],
  ];
  it.each(proofs)('made for %s is refused', async (_what, proof, reason) => {
    const { status, json, headers } = await withProof(await proof());
    expect({ status, reason: json.reason }).toEqual({ status: 401, reason });
    expect(headers['www-authenticate']).toContain('Readmit-Proof realm="readmit", error="invalid_proof"');
  });

  it('that is not a JWS is refused', async () => {
    expect((await withProof('abc')).json.reason).toBe('proof-malformed');
  });
});
