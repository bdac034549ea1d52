/**
 * What every connector must do (connector.ts), tested with a real target of each kind. What is specific to a target, such as who can log in
 * afterwards, is in the connector's own specs.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectorKinds, TargetError, type Connector } from '@readmit/connectors';
import { askKinds, type Ask, type EventType, type Fact, type Facet, type Plan, type Step, type Undo } from '@readmit/contracts';
import { askTable, differences, Facts, stepsOfClass, stepServesAsk, stepTable, type PlanParts } from '@readmit/domain';
import { freePort } from '@readmit/servers';
import { blockOf } from '@readmit/testing';
import canonicalize from 'canonicalize';
import { Desk } from '../../apps/cli/test/cli-run.js';
import { consumer } from '../../libs/connectors/test/consumer.js';
import { demoIdpHarness } from './demo-idp.js';
import type { AskHere, Harness } from './harness.js';
import { keycloakHarness } from './keycloak.js';
import { ldapHarness } from './ldap.js';
import { postgresHarness } from './postgres.js';
import { scimAtKeycloakHarness, scimHarness } from './scim.js';
import { webhookHarness } from './webhook.js';

/** By the kind of connector, and what else tells a second target of a kind. */
const harnesses: Readonly<Record<string, Harness>> = {
  postgres: postgresHarness(),
  keycloak: keycloakHarness(),
  ldap: ldapHarness(),
  scim: scimHarness(),
  'scim at Keycloak': scimAtKeycloakHarness(),
  webhook: webhookHarness(),
  'demo-idp': demoIdpHarness(),
};
const kindOf = (name: string): string => name.split(' ')[0] ?? '';
it('R5.6 covers every kind of connector', () => {
  const kinds = new Set(Object.keys(harnesses).map((name) => kindOf(name)));
  expect([...kinds].toSorted()).toEqual(connectorKinds.map(({ kind }) => kind).toSorted());
});

/** How each page says that a target is checked. */
const commandFor = (name: string): string => `readmit connector check ${name} --targets targets.json`;
const commands: Readonly<Record<string, string>> = {
  postgres: blockOf('docs/targets.md', 'Check a target', 1),
  ldap: blockOf('docs/targets.md', 'Connect your LDAP directory', 4),
  keycloak: blockOf('docs/targets.md', 'Connect your Keycloak', 2),
  scim: blockOf('docs/targets.md', 'Connect a SCIM server', 4),
  webhook: blockOf('docs/webhook-target.md', 'Run the example', 3),
};
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
});
afterAll(() => rm(folder, { recursive: true }));

const caseId = 'case_conformance';
const { key } = consumer();
const stranger = consumer().key;
const never = new AbortController().signal;

const byName = (facets: readonly Facet[]): Readonly<Record<string, string>> =>
  Object.fromEntries(facets.map(({ name, value }) => [name, value]).toSorted());
const without = (facets: readonly Facet[], names: readonly string[] = []) => byName(facets.filter(({ name }) => !names.includes(name)));

const seenBefore = ({ before }: Plan, facets: readonly Facet[]) =>
  byName(facets.filter(({ name }) => before.facets.some((one) => one.name === name)));

const factOf = (type: EventType, minute: number, data: object): Fact =>
  ({ id: `event_${minute}`, type, at: `2026-01-01T00:0${minute}:00.000Z`, data }) as Fact;

function planOf(ask: Ask, parts: PlanParts): Plan {
  return {
    caseId,
    class: askTable[ask.kind].class,
    asks: [ask],
    steps: parts.steps.map((step, at) => ({ ...step, id: `step-${at + 1}`, askId: ask.id })),
    removes: [...parts.removes],
    restores: [...parts.restores],
    untouched: [...parts.untouched],
    obligations: parts.obligations.map((undo, at) => ({ ...undo, id: `${caseId}/obligation-${at + 1}` })),
    recipients: [{ id: 'requester', fingerprint: key.fingerprint }],
    durationSeconds: 900,
    before: { digest: '0'.repeat(64), facets: [...parts.before] },
    classificationId: 'event_classified',
  };
}

describe.each(Object.entries(harnesses))('connector conformance: %s', (target, harness) => {
  let connector: Connector;
  /** Every error in these tests, as logs or events would show it. */
  const errors: string[] = [];
  const secrets = new Set<string>();
  /** Asks for which the connector observes an account. */
  const observed = new Set<string>();

  const options = (ask: Ask) => ({
    ceiling: {
      steps: [...stepsOfClass(askTable[ask.kind].class)],
      entitlements: ask.entitlement === undefined ? [] : [ask.entitlement],
      maxDurationSeconds: 3600,
    },
    durationSeconds: 900,
    overlapSeconds: 300,
    recipients: [key],
  });
  const partsOf = (ask: Ask, of = connector, signal = never) => of.plan(ask, options(ask), signal);
  const agreed = async (ask: Ask): Promise<Plan> => planOf(ask, await partsOf(ask));
  const execute = (plan: Plan, step: Step, of = connector, signal = never) =>
    of.execute(step, { caseId, recipients: [key], expiresAt: new Date(Date.now() + 900_000), plan }, signal);
  /** As after a crash: no record of what the steps created. */
  const undo = (plan: Plan, one: Undo, of = connector, signal = never) => of.undo(one, { caseId, plan }, signal);
  const doAll = async (plan: Plan): Promise<readonly Facet[]> => {
    const after: Facet[] = [];
    for (const step of plan.steps) after.push(...(await execute(plan, step)).after);
    return after;
  };
  const fromStart = ({ obligations }: Plan): readonly Undo[] => obligations.filter(({ armedBy }) => armedBy === 'start');

  async function refused(what: Promise<unknown>): Promise<Pick<TargetError, 'code' | 'effect'>> {
    const error = await what.then(
      () => new Error('it was not refused'),
      (thrown: unknown) => thrown,
    );
    for (let one = error; one instanceof Error; one = one.cause) errors.push(`${one.message}\n${one.stack ?? ''}`);
    if (!(error instanceof TargetError)) throw new Error(`not a TargetError: ${String(error)}`, { cause: error });
    return { code: error.code, effect: error.effect };
  }
  const observe = (plan: Plan, of = connector, signal = never) => of.observe(plan, { caseId }, signal);
  /** All methods that call the target, for one plan; `observe` if the connector has something to observe for it. */
  const callsOf = (plan: Plan, ask: Ask, of: Connector, signal = never): Readonly<Record<string, () => Promise<unknown>>> => ({
    plan: () => partsOf(ask, of, signal),
    read: () => of.read(ask, signal),
    ...(observed.has(ask.kind) ? { observe: () => observe(plan, of, signal) } : {}),
    ...Object.fromEntries(plan.steps.map((step) => [`execute ${step.kind}`, () => execute(plan, step, of, signal)])),
    ...Object.fromEntries(plan.obligations.map((one) => [`undo ${one.kind} ${one.armedBy}`, () => undo(plan, one, of, signal)])),
  });

  beforeEach(async () => {
    connector = await harness.fresh();
    for (const secret of harness.secrets()) secrets.add(secret);
  });
  afterAll(async () => {
    await harness.stop();
  });

  it('R5.6 supports the asks that it declares, and refuses all others as unsupported', async () => {
    expect(harness.asks.map(({ ask }) => ask.kind).toSorted()).toEqual([...connector.capabilities.asks].toSorted());
    const [any] = harness.asks;
    for (const other of askKinds.filter((one) => !connector.capabilities.asks.includes(one)))
      expect([other, await refused(partsOf({ ...(any as AskHere).ask, kind: other }))]).toEqual([
        other,
        { code: 'unsupported', effect: 'none' },
      ]);
  });

  it('R5.6 is listed in docs/targets.md with what it supports', async () => {
    const rows = (await readFile('docs/targets.md', 'utf8')).split('\n').map((line) => line.replaceAll(/ +/g, ' '));
    const listed = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');
    const { asks, can, residualSeconds } = connector.capabilities;
    expect(rows).toContain(`| \`${kindOf(target)}\` | ${listed(asks)} | ${listed(can)} | ${residualSeconds} s |`);
  });

  it('is checked without a fault, and a target that is down is named', async () => {
    const about = { now: () => new Date() };
    const results = await connector.check(about, never);
    expect(results.filter(({ result }) => result !== 'ok' && result !== 'note')).toEqual([]);
    expect(results.slice(0, 2).map(({ check }) => check)).toEqual(['connection', 'credentials']);
    const away = harness.at(await freePort());
    for (const [at, signal] of [
      [away, never],
      [connector, AbortSignal.abort()],
    ] as const) {
      const [first, ...rest] = await at.check(about, signal);
      expect(first).toMatchObject({ check: 'connection', result: 'wrong', unreachable: true });
      expect(new Set(rest.map(({ result }) => result))).toEqual(new Set(['not checked']));
      errors.push(JSON.stringify(first));
    }
    errors.push(JSON.stringify(results));
    await away.close();
  });

  it('is checked by the command of its page, which prints no secret', async () => {
    const words = (commands[kindOf(target)] ?? commandFor('ledger')).trim().split(' ');
    const name = words[3] ?? '';
    const file = path.join(folder, 'targets.json');
    await writeFile(file, JSON.stringify([{ ...harness.entry(), name }]), { mode: 0o600 });
    const desk = await Desk.of('http://127.0.0.1:1');
    desk.now = new Date();
    const { code, stdout, stderr } = await desk.run(...words.slice(1).map((word) => (word === 'targets.json' ? file : word)));
    await desk.leave();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('The connector can work with this target. Nothing was changed.');
    errors.push(stdout);
  });

  describe.each(harness.asks.map((one) => [one.ask.kind, one] as const))('%s', (_kind, { ask, need, lasting = [] }) => {
    beforeEach(async () => {
      await need?.();
    });

    it('R2.2 is planned twice with the same digest, with only the steps and undos of its row, and changes nothing', async () => {
      const first = await partsOf(ask);
      const digest = (parts: PlanParts) =>
        createHash('sha256')
          .update(canonicalize(parts) ?? '')
          .digest('hex');
      expect(digest(await partsOf(ask))).toBe(digest(first));
      expect(first.steps.length).toBeGreaterThan(0);
      expect(first.steps.filter((step) => !stepServesAsk(step.kind, ask.kind))).toEqual([]);
      for (const step of first.steps) {
        const takesBack = stepTable[step.kind].undo;
        const ends = first.obligations.filter((one) => one.kind === takesBack && one.armedBy === 'start' && one.hold === step.hold);
        expect([step.kind, ends.length]).toEqual([step.kind, takesBack === undefined ? 0 : 1]);
        expect([step.kind, step.recipients.length]).toEqual([step.kind, stepTable[step.kind].sealedTo === undefined ? 0 : 1]);
        // It would never be planned: the missing capability is found before anyone approves (R5.6).
        expect([step.kind, ...connector.capabilities.can]).toEqual(
          expect.arrayContaining(['read-back', stepTable[step.kind].needs ?? step.kind]),
        );
      }
      expect(byName(await connector.read(ask, never))).toEqual(byName(first.before));
    });

    it('R5.5 R2.4 repeats each step with the same result, and the read-back shows that and nothing else', async () => {
      const plan = await agreed(ask);
      for (const step of plan.steps) {
        const once = await execute(plan, step);
        const again = await execute(plan, step);
        expect([step.kind, byName(again.after)]).toEqual([step.kind, byName(once.after)]);
        expect(Object.keys(byName(again.after))).toEqual(expect.arrayContaining([...(step.touches ?? [])]));
        expect(again.sealed.map(({ recipient }) => recipient)).toEqual(step.recipients);
      }
      const touched = plan.steps.flatMap(({ touches }) => touches ?? []);
      const now = await connector.read(ask, never);
      // A step that does nothing would also show the same twice. What no plan depends on, such as a lock, is read back only by its step.
      const [was, is] = [byName(plan.before.facets), byName(now)];
      for (const { kind, touches = [] } of plan.steps) {
        const shown = touches.filter((name) => name in was);
        expect([kind, shown.filter((name) => is[name] !== was[name]).length > 0]).toEqual([kind, shown.length > 0]);
      }
      expect(without(now, touched)).toEqual(without(plan.before.facets, touched));
    });

    it('R6.3 R6.5 undoes what it created and nothing else, twice with the same result', async () => {
      const plan = await agreed(ask);
      await doAll(plan);
      for (const one of fromStart(plan)) {
        const { readBack } = await undo(plan, one);
        // What the undo reports about itself may differ; the state of the target may not.
        expect([one.kind, seenBefore(plan, (await undo(plan, one)).readBack)]).toEqual([one.kind, seenBefore(plan, readBack)]);
      }
      expect(without(await connector.read(ask, never), lasting)).toEqual(without(plan.before.facets, lasting));
    });

    it('R6.7 shows the sweep no difference after the steps and after each undo', async () => {
      const plan = await agreed(ask);
      const after = await doAll(plan);
      const facts: Fact[] = [factOf('readmit.execution.succeeded', 1, { caseId, after })];
      const shown = async () => differences(plan, new Facts(facts), ask, await connector.read(ask, never));
      expect(await shown()).toEqual([]);
      for (const [index, one] of plan.obligations.entries()) {
        const { readBack } = await undo(plan, one);
        facts.push(factOf('readmit.revocation.confirmed', index + 2, { caseId, obligationId: one.id, how: 'undone', readBack }));
        expect([one.kind, await shown()]).toEqual([one.kind, []]);
      }
      // The control: a reading with other values differs.
      const other = after.map(({ name }) => ({ name, value: 'changed by hand' }));
      expect(differences(plan, new Facts(facts), ask, other)).not.toEqual([]);
    });

    it('R6.3 undoes nothing if nothing was created, and reports that', async () => {
      const plan = await agreed(ask);
      for (const one of plan.obligations.filter(({ armedBy }) => armedBy !== 'success')) expect(await undo(plan, one)).toBeDefined();
      expect(byName(await connector.read(ask, never))).toEqual(byName(plan.before.facets));
    });

    it('R6.2 observes nothing that has not happened, before and after the steps', async () => {
      const plan = await agreed(ask);
      const before = await observe(plan);
      await doAll(plan);
      for (const seen of [before, await observe(plan)]) {
        expect(plan.steps.map(({ object }) => object)).toEqual(expect.arrayContaining(seen.map(({ object }) => object)));
        expect(seen.filter(({ used, enrolled, takenOver }) => used ?? enrolled ?? takenOver)).toEqual([]);
      }
      if (before.length > 0) observed.add(ask.kind);
    });

    it('R2.6 refuses to seal to a key that is not in the plan, and does nothing', async () => {
      const plan = await agreed(ask);
      for (const step of plan.steps.filter(({ recipients }) => recipients.length > 0)) {
        const wrong = connector.execute(step, { caseId, recipients: [stranger], expiresAt: new Date(), plan }, never);
        expect(await refused(wrong)).toEqual({ code: 'refused', effect: 'none' });
      }
      expect(byName(await connector.read(ask, never))).toEqual(byName(plan.before.facets));
    });

    it('R5.5 has no effect if the target is down', async () => {
      const plan = await agreed(ask);
      const away = harness.at(await freePort());
      for (const [what, call] of Object.entries(callsOf(plan, ask, away)))
        expect([what, await refused(call())]).toEqual([what, { code: 'unreachable', effect: 'none' }]);
      await away.close();
    });

    it('stops at its signal, before it started and while the target does not respond, with no effect', async () => {
      const plan = await agreed(ask);
      const silent = await silentServer();
      const hung = harness.at(silent.port);
      for (const [what, call] of Object.entries(callsOf(plan, ask, connector, AbortSignal.abort())))
        expect([what, await refused(call())]).toEqual([what, { code: 'timeout', effect: 'none' }]);
      for (const what of Object.keys(callsOf(plan, ask, hung))) {
        const stop = new AbortController();
        const asked = silent.next();
        const pending = refused(callsOf(plan, ask, hung, stop.signal)[what]?.() ?? Promise.resolve());
        await asked;
        stop.abort();
        expect([what, await pending]).toEqual([what, { code: 'timeout', effect: 'none' }]);
      }
      await hung.close();
      await silent.close();
    });
  });

  it('has no secret in any of these errors', () => {
    expect(errors.length).toBeGreaterThan(harness.asks.length);
    expect([...secrets].filter((secret) => secret.length >= 6).length).toBeGreaterThan(0);
    expect(errors.filter((text) => [...secrets].some((secret) => text.includes(secret)))).toEqual([]);
  });
});

/** Accepts connections and never responds. */
async function silentServer() {
  const sockets = new Set<Socket>();
  let listeners: (() => void)[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    // Only a request counts: a mere connection may be kept open for later.
    socket.once('data', () => {
      for (const notify of listeners) notify();
      listeners = [];
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    next: () => new Promise<void>((resolve) => listeners.push(resolve)),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
