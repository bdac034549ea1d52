/**
 * One case is one trace from the request to the discharge: six processes send their spans to an OTLP/HTTP receiver. Also that the spans contain
 * no value that is not public, and that the wait at the gate is measured. Not tested here: Kafka (the trace context is in the envelope, whatever
 * the bus) and collectors.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { entryOf, services, type EventType } from '@readmit/contracts';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { drive, makeLogins, open, type Recovery } from '../fault/recoveries.js';
import { startWorld } from '../fault/world.js';
import type { TopicEvent } from '../fault/witness.js';
import { startReceiver, type Span } from './receiver.js';

const role: Recovery = { kind: 'role', object: 'trace_login', caseId: '' };
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let facts: readonly TopicEvent[] = [];
let ofCase: readonly Span[] = [];
const gateWaits: number[] = [];
const secrets: string[] = [];

beforeAll(async () => {
  receiver = await startReceiver();
  const world = await startWorld({ processes: true, logins: [role.object], otlpEndpoint: receiver.url });
  try {
    const executionUrl = /"url":"(http:[^"]+)"/.exec(await readFile(path.join(world.system.stateDir, 'logs/execution.log'), 'utf8'))?.[1];
    const gateWait = async (): Promise<number> =>
      Number(
        /readmit_gate_wait_seconds_count\{service="execution"\} (\d+)/.exec(await (await fetch(`${executionUrl}/metrics`)).text())?.[1],
      );
    gateWaits.push(await gateWait());
    await makeLogins(world, [role.object]);
    await open(world, role, '3s');
    await drive(world, role);
    gateWaits.push(await gateWait());
    await world.witness.until(role.caseId, 'readmit.case.closed', 40_000);
    facts = await world.witness.read();
    for (const folder of ['secrets', 'keys'])
      for (const name of await readdir(path.join(world.system.stateDir, folder)))
        secrets.push(...secretTexts(await readFile(path.join(world.system.stateDir, folder, name), 'utf8')));
  } finally {
    // The processes send their remaining spans before they exit.
    await world.stop();
  }
  const opening = receiver.spans.find(({ name }) => name === 'POST /api/intake/cases');
  ofCase = receiver.spans.filter(({ traceId }) => traceId === opening?.traceId);
});
afterAll(async () => {
  await receiver?.close();
});

const attribute = (span: Span, name: string): unknown => Object.values(span.attributes?.find(({ key }) => key === name)?.value ?? {})[0];
const named = (name: string): readonly Span[] => ofCase.filter((span) => span.name === name);

it('the request that opens a case and everything that follows from it, in every process, is one trace', () => {
  const steps = [
    'POST /api/intake/cases',
    'receive readmit.case.opened',
    'attempt plan',
    'receive readmit.plan.proposed',
    'receive readmit.approval.granted',
    'record readmit.approval.granted',
    'receive readmit.obligation.recorded',
    'receive readmit.audit.recorded',
    'attempt restore',
    'receive readmit.execution.succeeded',
    'receive readmit.revocation.due',
    'attempt undo',
    'receive readmit.revocation.confirmed',
    'receive readmit.obligation.discharged',
  ];
  expect(steps.filter((name) => named(name).length === 0)).toEqual([]);
  // Each of the six processes has a part, and the discharge is received after the request.
  expect([...new Set(ofCase.map(({ sentBy }) => sentBy))].toSorted()).toEqual(services.map((service) => `readmit-${service}`).toSorted());
  const [request] = named('POST /api/intake/cases');
  const [discharged] = named('receive readmit.obligation.discharged');
  expect(BigInt(discharged?.startTimeUnixNano ?? 0) > BigInt(request?.endTimeUnixNano ?? 0)).toBe(true);
  expect(attribute(named('attempt restore')[0] as Span, 'readmit.attempt')).toBe(1);
});

it('every span of the trace has a parent in it, up to the request', () => {
  const byId = new Map(ofCase.map((span) => [span.spanId, span]));
  expect(ofCase.filter(({ parentSpanId }) => !parentSpanId).map(({ name }) => name)).toEqual(['POST /api/intake/cases']);
  expect(ofCase.filter(({ parentSpanId }) => parentSpanId && !byId.has(parentSpanId)).map(({ name }) => name)).toEqual([]);
});

it('a command of another person has its own trace, and a span in that of the case that links to it', () => {
  const decisions = receiver.spans.filter(({ name }) => /^POST \/api\/approval\/.*decisions?$/.test(name));
  expect(decisions.length).toBeGreaterThan(0);
  for (const decision of decisions) expect(decision.traceId).not.toBe(ofCase[0]?.traceId);
  const commands = ofCase.filter(({ name, sentBy }) => name.startsWith('command ') && sentBy === 'readmit-approval');
  const linked = commands.flatMap(({ links = [] }) => links.map(({ traceId }) => traceId));
  expect(decisions.filter(({ traceId }) => !linked.includes(traceId)).map(({ traceId }) => traceId)).toEqual([]);
});

it('no span contains a value that is not public according to the catalogue', () => {
  const sent = receiver.text();
  const sensitive = facts.flatMap(({ type, data }) => {
    const { fields } = entryOf(type as EventType);
    return Object.entries(data).flatMap(([name, value]) => (fields[name] === 'public' ? [] : textsIn(value)));
  });
  const reasons = ['lost in the incident', 'plan and proofs checked'];
  // Six passwords, six keys of services, and those of root and log.
  expect(secrets.length).toBeGreaterThan(12);
  expect(sensitive.length).toBeGreaterThan(0);
  expect([...sensitive, ...reasons, ...secrets].filter((text) => sent.includes(text))).toEqual([]);
  const attributes = new Set(receiver.spans.flatMap(({ attributes: own = [] }) => own.map(({ key }) => key)));
  expect([...attributes].toSorted()).toEqual(publicAttributes);
  // Control: the search finds a value that was sent.
  expect(sent.includes(role.caseId)).toBe(true);
});
/** All attributes of our spans. */
const publicAttributes = [
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'readmit.attempt',
  'readmit.case',
  'readmit.command',
  'readmit.connector',
  'readmit.event',
  'readmit.request',
  'readmit.service',
  'readmit.work',
];
/** A password, or the private part of a key. */
function secretTexts(file: string): readonly string[] {
  const { d } = /"d":"(?<d>[^"]+)"/.exec(file)?.groups ?? {};
  return d !== undefined ? [d] : /^[\w-]{20,}\s*$/.test(file) ? [file.trim()] : [];
}
/** Texts in the value that are too long to be in a trace by chance. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.length >= 8 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

it('the wait at the gate is measured once for the restoration', () => {
  expect(gateWaits).toEqual([0, 1]);
});
