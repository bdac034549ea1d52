/** One run: people who ask, prove, decide and end, six services, one stolen key, and what must be true when all has come to rest. */
import type { Fact, FactOf, Person, ServiceName } from '@readmit/contracts';
import { endEarly, quorumMet, draft } from '@readmit/domain';
import { forked, pick, seeded, shuffled } from '../fault/random.js';
import { crypto, directory, enrolled, policy, why } from './cast.js';
import { Forger } from './forger.js';
import { Installation } from './installation.js';
import { later, People, type Signed, type Thing } from './people.js';
import { servicesOf } from './services.js';
import { Target, type Given } from './target.js';

/** What must never be. */
export interface Problem {
  readonly rule: 'R4.7' | 'R5.5' | 'R6.3' | 'R6.5' | 'R8.1';
  readonly says: string;
}
export interface Outcome {
  readonly seed: number;
  readonly problems: readonly Problem[];
  /** Grants at the target that no quorum of the directory approved. */
  readonly unapproved: readonly { readonly given: Given; readonly attested: readonly FactOf<'readmit.people.attested'>[] }[];
  readonly given: number;
  readonly forged: number;
  readonly moves: number;
}
/** Every bound of the cases and the grace of their undoing is over by then. */
const wholeRunSeconds = 3 * 3600;

const things: readonly Thing[] = [
  { kind: 'role.restore', object: 'erin', entitlement: 'app_admin', subject: { kind: 'person', id: 'erin' } },
  { kind: 'factor.bypass', object: 'ada', subject: { kind: 'person', id: 'ada' } },
  { kind: 'secret.reissue', object: 'payroll', subject: { kind: 'machine', id: 'svc-payroll' } },
];

/** `thief`: whose key is stolen; `undefined`: nobody's. */
export async function runOnce(seed: number, thief: ServiceName | undefined): Promise<Outcome> {
  const random = seeded(seed);
  const chance = forked(random);
  const target: Target = new Target(() => house.now, forked(random));
  const forger = thief && new Forger(thief, forked(random));
  const eager = forked(random);
  // Now and then a few events in an otherwise quiet run, now and then a flood.
  let left = thief ? Math.floor(eager() * 60) + 3 : 0;
  const often = eager() * 0.35 + 0.05;
  const waitsFor = pick(
    ['readmit.case.opened', 'readmit.approval.requested', 'readmit.approval.granted', 'readmit.execution.started'] as const,
    eager,
  );
  const house: Installation = new Installation(
    servicesOf(target.connector, { watchEveryMs: 30_000, newId: () => house.newId() }),
    forked(random),
    () => {
      if (!forger || left === 0 || chance() > often) return;
      // A thief reads the topics: some wait until there is something to win.
      if (house.of(waitsFor).length === 0) return;
      left -= 1;
      const evil = forger.next(house.said, house.now);
      if (evil) house.forge(forger.service, evil.fact, evil.key);
    },
  );
  const people = new People(house);
  const problems: Problem[] = [];
  try {
    const plot = forked(random);
    const mine = things.filter((_, index) => index === seed % things.length || plot() < 0.4);
    // The same role twice: what one case gives, another may hold.
    const cases = [...mine, ...(plot() < 0.3 && mine[0]?.kind === 'role.restore' ? [mine[0]] : [])].map((thing) =>
      people.open(thing, plot),
    );
    for (const caseId of cases) {
      await house.settle();
      people.prove(caseId);
      await house.settle();
      if (thief === 'classification' && plot() < 0.5) attestMallory(house, caseId);
      await house.settle();
      if (plot() < 0.85) {
        for (const approver of shuffled(['mallory', 'chidi', 'dana'], plot)) {
          people.decide(caseId, approver);
          if (plot() < 0.5) await house.settle();
        }
      } else people.decide(caseId, 'mallory');
      if (plot() < 0.3) await house.advanceTo(later(house.now, plot() * 120));
    }
    target.used = plot() < 0.3;
    await house.advanceTo(later(house.now, plot() * 300));
    for (const caseId of cases) {
      const what = plot();
      if (what < 0.1) house.commanded('revocation-scheduler', draft('readmit.containment.ordered', caseId, { caseId, by: 'gita' }));
      else if (what < 0.2) house.commanded('intake', draft('readmit.case.frozen', caseId, { caseId, by: 'ada', cause: 'repudiated' }));
      else if (what < 0.35) house.command('revocation-scheduler', caseId, endEarly({ id: 'chidi', teams: ['security-oncall'] }, why));
      await house.advanceTo(later(house.now, plot() * 60));
    }
    target.unreliable = 0.05;
    await house.advanceTo(later(house.now, wholeRunSeconds));
  } catch (error) {
    problems.push({ rule: 'R8.1', says: error instanceof Error ? error.message : String(error) });
  }
  problems.push(...notEnded(house, target, thief === undefined), ...tooLong(house, target));
  if (thief === undefined) problems.push(...takenFromOthers(house, target), ...givenUp(house));
  return {
    ...{ seed, problems, given: target.given.length, moves: house.moves, forged: house.said.filter(({ forged }) => forged).length },
    unapproved: target.given
      .filter((given) => !approved(given, people.signed))
      .map((given) => ({ given, attested: house.of('readmit.people.attested', true).filter(({ data }) => data.caseId === given.caseId) })),
  };
}

/** What was given is gone, or the scheduler has said that it is late. Of a secret, one of the two must be gone. Without a thief all is gone by then. */
function notEnded(house: Installation, target: Target, strictly: boolean): Problem[] {
  const late = new Set(house.of('readmit.revocation.overdue').map(({ data }) => data.caseId));
  return [...new Set(target.given.map(({ thing }) => thing))].flatMap((thing) => {
    const stands = thing === 'login:payroll_b' ? target.has(thing) && target.has('login:payroll_a') : target.has(thing);
    const cases = target.given.filter((given) => given.thing === thing).map(({ caseId }) => caseId);
    if (!stands || (!strictly && cases.some((caseId) => late.has(caseId)))) return [];
    const says = `${thing}, given for ${cases.join(' and ')}, is ${strictly ? 'not undone' : 'neither undone nor overdue on record'}`;
    return [{ rule: 'R6.3', says }];
  });
}

/** The end that the target itself keeps is the one that was approved: so long after the start. */
const tooLong = (house: Installation, { given }: Target): Problem[] =>
  given.flatMap(({ thing, caseId, plan, expiresAt }) => {
    const started = house.of('readmit.execution.started').find(({ data }) => data.caseId === caseId);
    return started && expiresAt > later(new Date(started.at), plan.durationSeconds)
      ? [
          {
            rule: 'R4.7',
            says: `${thing}, given for ${caseId}, would end at the target at ${expiresAt.toISOString()}, later than was approved`,
          },
        ]
      : [];
  });

/** A role is taken away when nobody holds it any more: each case that gave it has been told that its end is due, or failed. */
const takenFromOthers = (house: Installation, { given, taken }: Target): Problem[] =>
  taken.flatMap(({ thing, caseId, at }) => {
    const over = new Set(
      [...house.of('readmit.revocation.due'), ...house.of('readmit.execution.failed')]
        .filter((fact) => new Date(fact.at) <= at)
        .map(({ data }) => data.caseId),
    );
    return given
      .filter((other) => other.thing === thing && other.caseId !== caseId && other.at < at && !over.has(other.caseId))
      .map((other) => ({ rule: 'R6.5', says: `${thing} was taken away for ${caseId} while ${other.caseId} held it` }));
  });

/** An unknown outcome is read back by trying again, for as long as the grant lasts. */
const givenUp = (house: Installation): Problem[] =>
  house.of('readmit.execution.failed').flatMap(({ at, data: { caseId, reason } }) => {
    const started = house.of('readmit.execution.started').find((fact) => fact.data.caseId === caseId);
    const ended = house.of('readmit.revocation.due').some(({ data }) => data.caseId === caseId && data.cause !== 'execution-failed');
    const unknown = reason === 'target-timeout' || reason === 'target-unreachable';
    return unknown && started && at < started.data.endsAt && !ended
      ? [{ rule: 'R5.5' as const, says: `the execution of ${caseId} was given up for ${reason} before its end` }]
      : [];
  });

/** By the directory and the policy themselves and by what people really signed: no event is believed. */
function approved({ caseId, plan }: Given, signed: readonly Signed[]): boolean {
  const asked = things.find(({ object }) => plan.asks.some((ask) => ask.object === object));
  const caseClass =
    asked?.kind === 'role.restore' ? 'privileged-restoration' : asked?.kind === 'factor.bypass' ? 'mfa-recovery' : 'nhi-secret-restoration';
  const approvers = signed.filter((one) => one.caseId === caseId && one.planDigest === crypto.digest(plan)).map(({ approver }) => approver);
  const real: Person[] = directory.people.map(({ id, human, teams, authority, employment, privileged, keys }) => ({
    ...{ id, human, teams, authority, employment, privileged, keys },
  }));
  return quorumMet(policy.classes[caseClass].quorum, approvers, real);
}

/** Whoever has classification's key says who may decide: somebody in no team becomes one of two. */
function attestMallory(house: Installation, caseId: string): void {
  const genuine = house.of('readmit.people.attested').findLast(({ data }) => data.caseId === caseId);
  if (!genuine) return;
  const mallory: Person = {
    ...{ id: 'mallory', human: 'mallory', teams: ['security-oncall', 'system-owner'], authority: 9 },
    ...{ employment: 'employee', privileged: false, keys: enrolled('mallory') },
  };
  const people = [...genuine.data.people.filter(({ id }) => id !== 'mallory'), mallory];
  const data = { ...genuine.data, people };
  house.forge(
    'classification',
    { id: `forged_attestation_${caseId}`, type: genuine.type, at: house.now.toISOString(), data } as Fact,
    caseId,
  );
}
