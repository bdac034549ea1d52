/** Two cases about one object at a real target, in an order from a seed, with faults and changes by a DBA. */
import type { AskKind } from '@readmit/contracts';
import { contain, endEarly, draft } from '@readmit/domain';
import { compactDecrypt } from 'jose';
import { forked, pick, seeded, shuffled } from '../fault/random.js';
import { actsOf, type Act, type Kind } from './acts.js';
import { openerOf, why } from './cast.js';
import { Installation } from './installation.js';
import { later, People, type Thing } from './people.js';
import { openSession, type Fault, type RealTarget } from './real-target.js';
import { servicesOf } from './services.js';
import { problemsOf } from './two-cases-judge.js';

type Where = 'now' | 'read' | 'execute' | 'undo';
export type Action =
  | { readonly do: 'open' | 'approve'; readonly of: 0 | 1 }
  | { readonly do: 'end' | 'contain' | 'freeze'; readonly of: 0 | 1; readonly at: Where }
  | { readonly do: 'use' | 'take-over' }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'fault'; readonly fault: Fault; readonly at: Exclude<Where, 'now'> }
  | { readonly do: 'dba'; readonly act: Act; readonly at: Where };
/** `moves`: how much the services do before the next action. */
export type Plot = readonly (Action & { readonly moves: number })[];
export interface Order {
  readonly seed: number;
  readonly kind: Kind;
  readonly setting: readonly [string, string];
  readonly plot: Plot;
}
export interface OrderOutcome {
  readonly problems: readonly string[];
  readonly succeeded: number;
  readonly stillHeld: number;
  readonly failed: number;
  readonly takenOver: number;
  readonly byDba: number;
}
/** Faults that leave something behind are more frequent. */
const faults: readonly Fault[] = [
  'refused',
  'away',
  'no-response',
  'refused-after',
  'refused-after',
  'killed-before',
  'killed-after',
  'killed-after',
];
/** By then every deadline of the cases, of their undos and of retries is over. */
const wholeRunSeconds = 3 * 3600;

export function plotOf(seed: number, kind: Kind): Plot {
  const random = seeded(seed);
  const some = (chance: number): boolean => random() < chance;
  const where = (): Where => pick(['now', 'now', 'execute', 'undo', 'read'] as const, random);
  const lineOf = (nth: 0 | 1): Action[] => {
    const rest: Action[][] = [];
    if (some(0.5)) rest.push([{ do: 'end', of: nth, at: where() }]);
    if (some(0.25)) rest.push([{ do: 'contain', of: nth, at: where() }]);
    if (some(0.1)) rest.push([{ do: 'freeze', of: nth, at: where() }]);
    if (kind === 'role') rest.push([{ do: 'use' }]);
    // Execution checks every five minutes whether all consumers have taken over.
    else if (some(0.7)) rest.push([{ do: 'take-over' }, { do: 'wait', seconds: 301 }]);
    if (some(0.6)) rest.push([{ do: 'wait', seconds: pick([5, 40, 301, 901], random) }]);
    return [{ do: 'approve', of: nth }, ...shuffled(rest, random).flat()];
  };
  const meanwhile: Action[] = [0, 1].flatMap((): Action[] => [
    ...(some(0.5)
      ? [{ do: 'fault' as const, fault: pick(faults, random), at: pick(['execute', 'execute', 'undo', 'read'] as const, random) }]
      : []),
    ...(some(0.4) ? [{ do: 'dba' as const, act: pick(Object.keys(actsOf[kind]), random), at: where() }] : []),
  ]);
  // The new secret cannot be completed: the old one is restored.
  if (kind === 'secret' && some(0.25)) meanwhile.push({ do: 'fault', fault: 'refused-after', at: 'execute' });
  const opens: Action[] = ([0, 1] as const).filter(() => some(0.8)).map((of) => ({ do: 'open', of }));
  const lines = [lineOf(0), lineOf(1), shuffled(meanwhile, random)];
  // Mostly each case in its normal order; sometimes it ends before it was approved.
  const all = some(0.8) ? interleaved(lines, random) : shuffled(lines.flat(), random);
  return [...opens, ...all].map((one) => ({ ...one, moves: pick([1, 6, 20, 2000, 2000], random) }));
}

function interleaved(lines: readonly (readonly Action[])[], random: () => number): Action[] {
  const left = lines.map((line) => [...line]);
  // Each line is chosen as often as it is long.
  return shuffled(
    left.flatMap((line) => line.map(() => line)),
    random,
  ).flatMap((line) => line.shift() ?? []);
}

export async function runOrder(order: Order, target: RealTarget): Promise<OrderOutcome> {
  const { seed, kind, setting, plot } = order;
  await target.begin(setting);
  const random = forked(seeded(seed));
  const installation: Installation = new Installation(
    servicesOf(target.connector, { watchEveryMs: 300_000, newId: () => installation.newId() }),
    forked(random),
  );
  target.lost = () => (installation.workerLost = true);
  target.publishedSoFar = () => installation.published.length;
  const people = new People(installation);
  const chance = forked(random);
  const kinds = [0, 1].map(
    () => (kind === 'role' ? 'role.restore' : pick(['secret.rotate', 'secret.rotate', 'secret.reissue'] as const, chance)) as AskKind,
  );
  const cases: (string | undefined)[] = [undefined, undefined];
  const secrets: string[] = [];
  const open = async (of: 0 | 1): Promise<string> => {
    const before = cases[of];
    if (before !== undefined) return before;
    const thing: Thing =
      kind === 'role'
        ? { kind: 'role.restore', object: 'erin', entitlement: 'app_admin', subject: { kind: 'person', id: 'erin' } }
        : { kind: kinds[of] ?? 'secret.reissue', object: 'payroll', subject: { kind: 'machine', id: 'svc-payroll' } };
    const caseId = people.open(thing, chance);
    cases[of] = caseId;
    await installation.settle();
    people.prove(caseId);
    await installation.settle();
    return caseId;
  };
  const command = (what: 'end' | 'contain' | 'freeze', caseId: string): void => {
    if (what === 'end') installation.command('revocation-scheduler', caseId, endEarly({ id: 'ops', teams: ['platform-operators'] }, why));
    if (what === 'contain') installation.command('revocation-scheduler', caseId, contain('gita', why));
    if (what === 'freeze')
      installation.commanded('intake', draft('readmit.case.frozen', caseId, { caseId, by: 'erin', cause: 'repudiated' }));
  };
  const schedule = async (at: Where, act: () => void | Promise<void>): Promise<void> => {
    if (at === 'now') await act();
    else
      target.armed.push({
        at,
        act: async () => {
          await act();
          return undefined;
        },
      });
  };
  const perform = async (one: Action): Promise<void> => {
    switch (one.do) {
      case 'open':
        await open(one.of);
        return;
      case 'approve': {
        const caseId = await open(one.of);
        for (const approver of ['chidi', 'dana']) people.decide(caseId, approver);
        return;
      }
      case 'end':
      case 'contain':
      case 'freeze': {
        const caseId = cases[one.of];
        if (caseId !== undefined) await schedule(one.at, () => command(one.do, caseId));
        return;
      }
      case 'use':
        await target.use('erin');
        await target.use('kim');
        return;
      case 'take-over':
        for (const { jwe } of target.sealed.slice(-1)) {
          const { username, password } = await opened(jwe);
          const session = await openSession(target.urlOf(username, password)).catch(() => undefined);
          if (session) target.keepOpen(session);
        }
        return;
      case 'wait':
        await installation.advanceTo(later(installation.now, one.seconds));
        return;
      case 'fault':
        target.armed.push({ at: one.at, act: () => one.fault });
        return;
      case 'dba':
        await schedule(one.at, () => target.act(kind, one.act));
    }
  };
  const problems: string[] = [];
  try {
    for (const one of plot) {
      await perform(one);
      await installation.settle(one.moves);
    }
    await installation.settle();
    target.armed = [];
    await installation.advanceTo(later(installation.now, wholeRunSeconds));
    for (const { jwe } of target.sealed) {
      const { username, password } = await opened(jwe);
      const session = await openSession(target.urlOf(username, password)).catch(() => undefined);
      if (!session) continue;
      secrets.push(username);
      await session.end();
    }
    problems.push(...(await problemsOf(installation, target, kind, { working: secrets })));
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const of = installation.of.bind(installation);
  return {
    problems,
    succeeded: of('readmit.execution.succeeded').length,
    failed: of('readmit.execution.failed').length,
    stillHeld: of('readmit.obligation.discharged').filter(({ data }) => data.how === 'still-held').length,
    takenOver: of('readmit.obligation.discharged').filter(({ data }) => data.how === 'taken-over').length,
    byDba: target.did.length,
  };
}

async function opened(jwe: string): Promise<{ readonly username: string; readonly password: string }> {
  const { plaintext } = await compactDecrypt(jwe, openerOf('payroll-app'));
  return JSON.parse(new TextDecoder().decode(plaintext)) as { username: string; password: string };
}

/** The order reduced to the actions that are needed for a problem. */
export async function smallest(order: Order, target: RealTarget): Promise<{ readonly order: Order; readonly problems: readonly string[] }> {
  let best = order;
  let { problems } = await runOrder(order, target);
  for (let at = 0; at < best.plot.length;) {
    const less = { ...best, plot: best.plot.filter((_, index) => index !== at) };
    const outcome = await runOrder(less, target);
    if (outcome.problems.length > 0) [best, problems] = [less, outcome.problems];
    else at++;
  }
  return { order: best, problems };
}
