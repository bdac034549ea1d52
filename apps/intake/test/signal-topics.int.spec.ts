/**
 * Signals from the providers' topics, on a real database, with topics in memory behind the port of the bus: each is recorded once or
 * parked alone, the offset moves after that, an outage loses nothing. Not here: a real Kafka and a foreign client.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { startIntake, type RunningIntake } from './running-intake.js';

let intake: RunningIntake;
afterEach(() => intake.close());

const topic = 'readmit.signals.acme.v1';
const day = 86_400_000;
const attributes = (changes: Readonly<Record<string, unknown>> = {}) => ({
  specversion: '1.0',
  id: 'lockout-1',
  source: 'https://sso.example.com/realms/acme',
  type: 'readmit.idp.account-locked',
  subject: 'ada',
  time: new Date().toISOString(),
  ...changes,
});
const structured = (changes: Readonly<Record<string, unknown>> = {}) => ({
  headers: { 'content-type': 'application/cloudevents+json' },
  value: Buffer.from(JSON.stringify(attributes(changes))),
});
const binary = (changes: Readonly<Record<string, unknown>> = {}) => ({
  headers: Object.fromEntries(Object.entries(attributes(changes)).map(([name, value]) => [`ce_${name}`, String(value)])),
  value: Buffer.alloc(0),
});
const processed = (count: number) => until(() => intake.topics.position === count, { what: `${count} records are processed` });
const received = async () =>
  (await intake.emitted('readmit.signal.received')).map(({ key, data }) => [key, data['kind'], data['provider']]);
const announced = async () =>
  (await intake.emitted('readmit.intake.message-parked')).map(({ data }) => [data['action'], data['reason'], data['by']]);
const operator = async () => ({ authorization: `Bearer ${await intake.token({ teams: ['platform-operators'] })}` });
const parked = async () => {
  const response = await fetch(`${intake.url}/api/intake/parked`, { headers: await operator() });
  return (await response.json()) as { id: string; topic: string; reason: string; says: string; state: string; offset: string }[];
};
const settle = async (id: string, action: 'redrive' | 'discard') => {
  const response = await fetch(`${intake.url}/api/intake/parked/${id}`, {
    method: 'POST',
    headers: { ...(await operator()), 'content-type': 'application/json' },
    body: JSON.stringify({ action }),
  });
  const { state, reason } = (await response.json()) as { state: string; reason: string };
  return { status: response.status, state, reason };
};
const failedBatch = (line: string): boolean =>
  line.includes('could not persist a batch; retrying') && line.includes('"group":"intake.signals"');
const metrics = async () => (await fetch(`${intake.url}/metrics`)).text();

describe('signals on the topic of a provider', () => {
  it('R8.2 R1.8 are recorded in both modes with the provider of the topic, and open no case', async () => {
    intake = await startIntake();
    intake.topics.write(topic, structured({ id: 's-1', provider: 'mallory' }));
    intake.topics.write(topic, binary({ id: 's-2', subject: 'boris', type: 'readmit.idp.session-revoked' }));
    await processed(2);
    expect((await received()).sort()).toEqual([
      ['subject:ada', 'account-locked', 'acme'],
      ['subject:boris', 'session-revoked', 'acme'],
    ]);
    expect(await intake.emitted('readmit.case.opened')).toEqual([]);
    const cases = await fetch(`${intake.url}/api/intake/cases`, { headers: await operator() });
    expect(await cases.json()).toEqual([]);
    expect(intake.topics.subscribed).toEqual([{ group: 'intake.signals', topics: [topic], member: 'intake-spec' }]);
  });

  it('share transactions: 500 need only a few', async () => {
    intake = await startIntake();
    await intake.stop();
    for (let n = 0; n < 500; n++) intake.topics.write(topic, structured({ id: `s-${n}`, subject: `person-${n % 7}` }));
    await intake.restart();
    await processed(500);
    expect(await received()).toHaveLength(500);
    const commits = Number(/readmit_commits_total\{service="intake"\} (\d+)/.exec(await metrics())?.[1]);
    // The first by itself, then 256 and 243: at most 256 share a transaction.
    expect(commits).toBeGreaterThan(0);
    expect(commits).toBeLessThanOrEqual(5);
    expect(intake.topics.confirmations).toBe(1);
  });

  it('R8.3 that cannot be accepted are parked alone with bytes and reason, and an event; the good ones around them are recorded', async () => {
    intake = await startIntake();
    const bad = { headers: { 'content-type': 'application/cloudevents+json' }, value: Buffer.from('{"specversion":') };
    for (let n = 0; n < 20; n++)
      intake.topics.write(topic, n === 7 ? bad : n === 13 ? binary({ id: 's-13', type: 'acme.lock' }) : structured({ id: `s-${n}` }));
    await processed(20);
    expect(await received()).toHaveLength(18);
    const found = await parked();
    expect(found.map(({ topic: of, offset, reason, state }) => [of, offset, reason, state]).sort()).toEqual([
      [topic, '13', 'unknown-type', 'parked'],
      [topic, '7', 'broken-json', 'parked'],
    ]);
    const one = found.find(({ reason }) => reason === 'broken-json');
    const shown = await fetch(`${intake.url}/api/intake/parked/${one?.id}`, { headers: await operator() });
    expect(Buffer.from(((await shown.json()) as { bytes: string }).bytes, 'base64').toString()).toBe('{"specversion":');
    expect((await announced()).sort()).toEqual([
      ['parked', 'broken-json', undefined],
      ['parked', 'unknown-type', undefined],
    ]);
    expect(await metrics()).toMatch(
      /readmit_signals_recorded_total\{service="intake"\} 18[^]*readmit_signals_refused_total\{service="intake"\} 2/,
    );
  });

  it('R8.3 whose batch could not be decoded are parked with that reason, also when re-driven; the others are recorded', async () => {
    intake = await startIntake();
    intake.topics.write(topic, structured({ id: 's-1' }));
    intake.topics.write(topic, { ...structured({ id: 's-2' }), undecodable: 'the batch of offsets 1 to 1 cannot be decoded: why' });
    intake.topics.write(topic, structured({ id: 's-3' }));
    await processed(3);
    expect(await received()).toHaveLength(2);
    const rows = async () => (await parked()).map(({ offset, reason, says }) => [offset, reason, says]);
    expect(await rows()).toEqual([['1', 'undecodable', 'the batch of offsets 1 to 1 cannot be decoded: why']]);
    expect(await announced()).toEqual([['parked', 'undecodable', undefined]]);
    const [batch] = await parked();
    expect(await settle(batch?.id ?? '', 'redrive')).toEqual({ status: 202, state: 'parked', reason: 'undecodable' });
    expect(await rows()).toEqual([['1', 'undecodable', 'the batch of offsets 1 to 1 cannot be decoded: why']]);
    expect(await received()).toHaveLength(2);
  });

  it('R8.3 that are repeated change nothing and are counted; the same id with other content is parked as id-reused', async () => {
    intake = await startIntake();
    const first = structured({ id: 's-1' });
    for (const message of [first, first, structured({ id: 's-1', subject: 'boris' })]) intake.topics.write(topic, message);
    await processed(3);
    expect(await received()).toHaveLength(1);
    expect(await metrics()).toMatch(/readmit_signals_repeated_total\{service="intake"\} 1/);
    expect((await parked()).map(({ reason }) => reason)).toEqual(['id-reused']);
    expect((await intake.emitted('readmit.intake.refused')).map(({ data }) => [data['reason'], data['actor']])).toEqual([
      ['id-reused', 'acme'],
    ]);
  });

  it('R8.3 whose offset was not confirmed are delivered again after a restart, and are neither recorded nor parked twice', async () => {
    intake = await startIntake();
    intake.topics.broken = { confirm: new Error('the broker is down') };
    intake.topics.write(topic, structured({ id: 's-1' }));
    intake.topics.write(topic, binary({ id: 's-2', type: 'acme.lock' }));
    await until(async () => (await received()).length === 1 && (await parked()).length === 1, { what: 'both are stored' });
    expect(intake.topics.position).toBe(0);
    intake.topics.broken = {};
    await intake.restart();
    await processed(2);
    expect(await received()).toHaveLength(1);
    expect(await parked()).toHaveLength(1);
    expect(await announced()).toEqual([['parked', 'unknown-type', undefined]]);
    expect(await metrics()).toMatch(
      /readmit_signals_recorded_total\{service="intake"\} 0[^]*signals_repeated_total\{service="intake"\} 1[^]*signals_refused_total\{service="intake"\} 0/,
    );
  });
});

describe('an outage', () => {
  it('R8.1 of the database loses no signal: the offset stays until the batch is stored', async () => {
    intake = await startIntake();
    intake.outage = true;
    for (let n = 0; n < 50; n++)
      intake.topics.write(topic, n === 25 ? binary({ id: 's-25', type: 'acme.lock' }) : structured({ id: `s-${n}` }));
    const tries = () => intake.logged.filter(failedBatch).length;
    await until(() => tries() >= 2, { what: 'it was tried twice' });
    expect(intake.topics.position).toBe(0);
    intake.outage = false;
    await processed(50);
    expect(await received()).toHaveLength(49);
    expect(await parked()).toHaveLength(1);
  });

  it('R8.1 of the database does not prevent a stop; what was not stored is delivered after the next start', async () => {
    intake = await startIntake();
    intake.outage = true;
    intake.topics.write(topic, structured({ id: 's-1' }));
    await until(() => intake.logged.some(failedBatch), { what: 'it was tried' });
    await intake.stop();
    expect([intake.topics.position, intake.topics.open]).toEqual([0, 0]);
    intake.outage = false;
    await intake.restart();
    await processed(1);
    expect(await received()).toHaveLength(1);
  });

  it('R8.1 of the topics leaves intake ready, is reported, and ends by itself', async () => {
    intake = await startIntake();
    await intake.stop();
    intake.topics.broken = { subscribe: new Error('not authorized to read the topic') };
    await intake.restart();
    intake.topics.write(topic, structured({ id: 's-1' }));
    await until(() => intake.logged.some((line) => line.includes('not authorized to read the topic')), { what: 'it is logged' });
    const ready = await fetch(`${intake.url}/health/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ lag: null, says: 'up to date; the signal topics cannot be read' });
    expect(await metrics()).not.toMatch(/^readmit_lag_records/m);
    intake.topics.broken = {};
    await processed(1);
    expect(await received()).toHaveLength(1);
    expect(await (await fetch(`${intake.url}/health/ready`)).json()).toMatchObject({ lag: 0, says: 'up to date' });
    expect(await metrics()).toMatch(/^readmit_lag_records\{service="intake"\} 0$/m);
  });
});

describe('a parked signal that an operator re-drives', () => {
  it('R8.3 is recorded once, with the operator, when only its time was wrong', async () => {
    intake = await startIntake();
    intake.topics.write(topic, structured({ id: 's-1', time: new Date(Date.now() - 36 * day).toISOString() }));
    await processed(1);
    const [old] = await parked();
    expect(old).toMatchObject({ reason: 'too-old', state: 'parked' });
    expect(await received()).toEqual([]);
    expect(await settle(old?.id ?? '', 'redrive')).toEqual({ status: 202, state: 'redriven', reason: 'too-old' });
    expect(await received()).toHaveLength(1);
    expect(await settle(old?.id ?? '', 'redrive')).toMatchObject({ state: 'redriven' });
    expect(await received()).toHaveLength(1);
    expect((await announced()).sort()).toEqual([
      ['parked', 'too-old', undefined],
      ['redriven', 'too-old', 'person:olga'],
    ]);
  });

  it('R8.3 stays parked with its reason when it still cannot be accepted; it can be discarded', async () => {
    intake = await startIntake();
    intake.topics.write(topic, binary({ id: 's-1', type: 'acme.lock' }));
    await processed(1);
    const [bad] = await parked();
    expect(await settle(bad?.id ?? '', 'redrive')).toEqual({ status: 202, state: 'parked', reason: 'unknown-type' });
    expect(await received()).toEqual([]);
    expect(await settle(bad?.id ?? '', 'discard')).toEqual({ status: 202, state: 'discarded', reason: 'unknown-type' });
    expect((await announced()).map(([action]) => action).sort()).toEqual(['discarded', 'parked']);
  });
});

describe('the configuration of providers', () => {
  it('on the embedded bus has no topics: signals arrive over HTTP only', async () => {
    intake = await startIntake({}, 'embedded');
    expect((await fetch(`${intake.url}/health/ready`)).status).toBe(200);
    expect(intake.topics.subscribed).toEqual([]);
  });
  it('R8.2 with several providers reads the topic of each, and refuses the source of one from another', async () => {
    intake = await startIntake({ READMIT_PROVIDERS: 'acme,okta' });
    intake.topics.write('readmit.signals.okta.v1', structured({ id: 's-1', source: 'https://acme.okta.example' }));
    intake.topics.write(topic, structured({ id: 's-1', source: 'https://acme.okta.example' }));
    await processed(2);
    expect(intake.topics.subscribed[0]?.topics).toEqual([topic, 'readmit.signals.okta.v1']);
    expect(await received()).toEqual([['subject:ada', 'account-locked', 'okta']]);
    expect((await parked()).map(({ topic: of, reason }) => [of, reason])).toEqual([[topic, 'foreign-source']]);
  });
  it('refuses a source for a provider that is not configured, with the name', async () => {
    await expect(startIntake({ READMIT_PROVIDER_SOURCES: 'okta=https://acme.okta.example' })).rejects.toThrow(
      'READMIT_PROVIDER_SOURCES: provider okta is not in READMIT_PROVIDERS; add it there.',
    );
    intake = await startIntake({ READMIT_PROVIDERS: 'acme,okta', READMIT_PROVIDER_SOURCES: 'okta=https://acme.okta.example' });
  });
});
