/** Signals over HTTP, in both modes of CloudEvents, on a real database: what is accepted, and the response to what is not. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { rawResponse } from '@readmit/testing';
import { startIntake, type RunningIntake } from './running-intake.js';

let intake: RunningIntake;
beforeAll(async () => {
  intake = await startIntake({}, 'embedded');
});
afterAll(() => intake.close());

const attributes = (changes: Readonly<Record<string, string>> = {}) => ({
  specversion: '1.0',
  id: randomUUID(),
  source: 'https://sso.example.com/realms/acme',
  type: 'readmit.idp.account-locked',
  subject: 'ada',
  time: new Date().toISOString(),
  ...changes,
});
async function post(headers: Readonly<Record<string, string>>, body: string | null, clientId = 'acme') {
  const response = await fetch(`${intake.url}/api/intake/signals`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await intake.token({ client_id: clientId })}`, ...headers },
    body,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const structured = (event: object, type = 'application/cloudevents+json') => post({ 'content-type': type }, JSON.stringify(event));
const binary = (event: object, data: string | null, type?: string) =>
  post(
    {
      ...Object.fromEntries(Object.entries(event).map(([name, value]) => [`ce-${name}`, encodeURIComponent(String(value))])),
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    data,
  );
const inHeaders = (event: object) => Object.entries(event).map(([name, value]) => [`ce-${name}`, String(value)] as const);
/** Sends exactly these headers: `fetch` would join those with the same name and add a content type. */
async function raw(headers: readonly (readonly string[])[], body: string): Promise<readonly unknown[]> {
  const signedIn = ['host', 'readmit.example', 'authorization', `Bearer ${await intake.token({ client_id: 'acme' })}`];
  return new Promise((resolve, reject) => {
    const sent = request(`${intake.url}/api/intake/signals`, { method: 'POST', headers: [signedIn, ...headers].flat() });
    sent.on('error', reject).on('response', (response) => {
      let text = '';
      response
        .on('data', (bytes) => (text += String(bytes)))
        .on('end', () => resolve([response.statusCode, (JSON.parse(text) as { reason?: string }).reason ?? 'accepted']));
    });
    sent.end(body);
  });
}
const verdict = async (answer: ReturnType<typeof post>) => {
  const { status, body } = await answer;
  return [status, body['reason'] ?? 'accepted'];
};
const signalsOf = async (subject: string) =>
  (await intake.emitted('readmit.signal.received')).filter(({ key }) => key === `subject:${subject}`).length;

describe('a signal over HTTP', () => {
  it('R8.2 is accepted in structured and in binary mode, with or without data, and is the same signal', async () => {
    const event = attributes({ subject: 'boris' });
    const first = await structured({ ...event, data: { reason: 'bad-tries' } });
    expect(first).toEqual({ status: 202, body: { signalId: expect.stringMatching(/^acme:[0-9a-f]{32}$/), repeated: false } });
    const again = { status: 202, body: { signalId: first.body['signalId'], repeated: true } };
    expect(await binary(event, '{"reason":"bad-tries"}', 'application/json')).toEqual(again);
    expect(await binary(event, null)).toEqual(again);
    for (const type of ['application/vnd.acme.lockout+json', 'application/vnd.acme.lockout+json; charset=utf-8', 'text/json'])
      expect(await binary(event, '{"reason":"bad-tries"}', type)).toEqual(again);
    expect(await raw(inHeaders(event), '{}')).toEqual([202, 'accepted']);
    // As over Kafka: an invalid media type is not JSON.
    expect(await raw([...inHeaders(event), ['content-type', 'json']], '{}')).toEqual([422, 'data-not-json']);
    expect(await raw([...inHeaders(event), ['content-type', '']], '{}')).toEqual([422, 'data-not-json']);
    expect(await structured(event, 'application/cloudevents+json; charset=UTF-8')).toEqual(again);
    expect(await signalsOf('boris')).toBe(1);
  });

  it('R1.8 opens no case', async () => {
    expect(await verdict(structured(attributes()))).toEqual([202, 'accepted']);
    expect(await intake.emitted('readmit.case.opened')).toEqual([]);
  });

  it('R8.3 with an id that was used for other content is refused, recorded, and the first stays', async () => {
    const event = attributes({ subject: 'chidi' });
    expect(await verdict(structured(event))).toEqual([202, 'accepted']);
    expect(await verdict(structured({ ...event, subject: 'dana' }))).toEqual([409, 'id-reused']);
    expect([await signalsOf('chidi'), await signalsOf('dana')]).toEqual([1, 0]);
  });
});

describe('R8.3 a signal that is not accepted is refused with its reason, and recorded', () => {
  it.each([
    [422, 'specversion', attributes({ specversion: '0.3' })],
    [422, 'attribute-missing', attributes({ id: '' })],
    [422, 'unknown-type', attributes({ type: 'acme.lock' })],
    [422, 'subject-not-an-id', attributes({ subject: 'Ada Lovelace' })],
    [422, 'time-malformed', attributes({ time: 'yesterday' })],
    [422, 'from-the-future', attributes({ time: new Date(Date.now() + 3_600_000).toISOString() })],
    [422, 'too-old', attributes({ time: new Date(Date.now() - 36 * 86_400_000).toISOString() })],
    [403, 'foreign-source', attributes({ source: 'https://acme.okta.example' })],
  ])('%i %s', async (status, reason, event) => {
    const before = (await intake.emitted('readmit.intake.refused')).length;
    expect(await verdict(structured(event))).toEqual([status, reason]);
    expect(await verdict(binary(event, null))).toEqual([status, reason]);
    const refused = (await intake.emitted('readmit.intake.refused')).map(
      ({ data }) => `${data['actor']} ${data['rule']} ${data['reason']}`,
    );
    expect(refused.filter((one) => one === `acme R8.3 ${reason}`)).toHaveLength(2);
    expect(refused).toHaveLength(before + 2);
  });

  it('media-type: a batch, JSON without attributes, or nothing at all', async () => {
    expect(await verdict(structured([attributes()], 'application/cloudevents-batch+json'))).toEqual([415, 'media-type']);
    expect(await verdict(structured(attributes(), 'application/json'))).toEqual([415, 'media-type']);
    expect(await verdict(post({}, null))).toEqual([415, 'media-type']);
  });

  it('R8.3 broken-json and attribute-malformed, recorded as over Kafka', async () => {
    const type = { 'content-type': 'application/cloudevents+json' };
    const event = JSON.stringify(attributes());
    expect(await verdict(post(type, '{"specversion":'))).toEqual([422, 'broken-json']);
    expect(await verdict(post(type, event.replace('{', '{"subject":"mallory",')))).toEqual([422, 'attribute-malformed']);
    expect(await verdict(post(type, event.replace('{', '{"data":{"a":1,"a":2},')))).toEqual([422, 'attribute-malformed']);
    expect(await verdict(post(type, event.replace('{', '{"data":{"a":1,"b":2},')))).toEqual([202, 'accepted']);
    const reasons = (await intake.emitted('readmit.intake.refused')).map(({ data }) => data['reason']);
    expect(reasons).toEqual(expect.arrayContaining(['broken-json', 'attribute-malformed']));
  });

  it.each(['ce-subject', 'ce-id', 'content-type'])('R8.3 attribute-malformed: the header %s appears twice', async (name) => {
    const sent = [...inHeaders(attributes()), ['content-type', 'application/json'] as const];
    const first = sent.find(([one]) => one === name) ?? [];
    expect(await raw([...sent, first], '{}')).toEqual([422, 'attribute-malformed']);
    expect(await raw([...sent, ['ce-extension', 'x']], '{}')).toEqual([202, 'accepted']);
  });

  it('malformed: a request that is not HTTP gets a problem document, too', async () => {
    expect(await rawResponse(intake.url, 'NO HTTP\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 Bad Request\r\ncontent-type: application\/problem\+json[^]*"reason":"malformed"/,
    );
  });

  it('not-an-object and data-not-an-object', async () => {
    expect(await verdict(structured([attributes()]))).toEqual([422, 'not-an-object']);
    expect(await verdict(binary(attributes(), '[1]', 'application/json'))).toEqual([422, 'data-not-an-object']);
  });

  it('what every route refuses first: too large, encoded, no token, not a provider', async () => {
    const type = { 'content-type': 'application/cloudevents+json' };
    expect(await verdict(post({ ...type, 'content-encoding': 'gzip' }, JSON.stringify(attributes())))).toEqual([415, 'content-encoding']);
    expect(await verdict(post({ ...type, 'content-encoding': 'identity' }, JSON.stringify(attributes())))).toEqual([202, 'accepted']);
    expect(await verdict(post(type, JSON.stringify({ ...attributes(), data: { filling: 'a'.repeat(300_000) } })))).toEqual([
      413,
      'body-too-large',
    ]);
    expect(await verdict(post({ ...type, authorization: '' }, JSON.stringify(attributes())))).toEqual([401, 'token-malformed']);
    expect(await verdict(post(type, JSON.stringify(attributes()), 'mallory'))).toEqual([403, 'not-a-provider']);
    expect(await verdict(post(type, JSON.stringify(attributes())))).toEqual([202, 'accepted']);
  });
});
