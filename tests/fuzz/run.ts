/** One run: people who open, prove, decide and end cases, six services, one stolen key, and the checks when everything has come to rest. */
import type { Fact, FactOf, Person, ServiceName } from '@readmit/contracts';
import { endEarly, quorumMet, draft } from '@readmit/domain';
import { forked, pick, seeded, shuffled } from '../fault/random.js';
import { crypto, directory, enrolled, policy, why } from './cast.js';
import { Forger } from './forger.js';
import { Installation } from './installation.js';
import { later, People, type Signed, type Thing } from './people.js';
import { servicesOf } from './services.js';
import { Target, type Given } from './target.js';

/** Something that must never happen. */
export interface Problem {
  readonly rule: 'R4.7' | 'R5.5' | 'R6.3' | 'R6.5' | 'R8.1';
  readonly message: string;
}
export interface Outcome {
  readonly seed: number;
  readonly problems: readonly Problem[];
  /** Grants at the target that no quorum in the directory approved. */
  readonly unapproved: readonly { readonly given: Given; readonly attested: readonly FactOf<'readmit.people.attested'>[] }[];
  readonly given: number;
  readonly forged: number;
  readonly moves: number;
}
/** By then every deadline of the cases and of their undos is over. */
const wholeRunSeconds = 3 * 3600;

const things: readonly Thing[] = [
  { kind: 'role.restore', object: 'erin', entitlement: 'app_admin', subject: { kind: 'person', id: 'erin' } },
  { kind: 'factor.bypass', object: 'ada', subject: { kind: 'person', id: 'ada' } },
  { kind: 'secret.reissue', object: 'payroll', subject: { kind: 'machine', id: 'svc-payroll' } },
];

/** `thief`: the service whose key is stolen, or `undefined`. */
export async function runOnce(seed: number, thief: ServiceName | undefined): Promise<Outcome> {
  const random = seeded(seed);
  const chance = forked(random);
  const target: Target = new Target(() => installation.now, forked(random));
  const forger = thief && new Forger(thief, forked(random));
  const eager = forked(random);
  // In some runs a few forged events, in others a flood.
  let left = thief ? Math.floor(eager() * 60) + 3 : 0;
  const often = eager() * 0.35 + 0.05;
  const waitsFor = pick(
    ['readmit.case.opened', 'readmit.approval.requested', 'readmit.approval.granted', 'readmit.execution.started'] as const,
    eager,
  );
  const installation: Installation = new Installation(
    servicesOf(target.connector, { watchEveryMs: 30_000, newId: () => installation.newId() }),
    forked(random),
    () => {
      if (!forger || left === 0 || chance() > often) return;
      // A thief reads the topics, and may wait for an opportunity.
      if (installation.of(waitsFor).length === 0) return;
      left -= 1;
      const forged = forger.next(installation.published, installation.now);
      if (forged) installation.forge(forger.service, forged.fact, forged.key);
    },
  );
  const people = new People(installation);
  const problems: Problem[] = [];
  try {
    const plot = forked(random);
    const mine = things.filter((_, index) => index === seed % things.length || plot() < 0.4);
    // The same role twice: what one case grants, another may hold.
    const cases = [...mine, ...(plot() < 0.3 && mine[0]?.kind === 'role.restore' ? [mine[0]] : [])].map((thing) =>
      people.open(thing, plot),
    );
    for (const caseId of cases) {
      await installation.settle();
      people.prove(caseId);
      await installation.settle();
      if (thief === 'classification' && plot() < 0.5) attestMallory(installation, caseId);
      await installation.settle();
      if (plot() < 0.85) {
        for (const approver of shuffled(['mallory', 'chidi', 'dana'], plot)) {
          people.decide(caseId, approver);
          if (plot() < 0.5) await installation.settle();
        }
      } else people.decide(caseId, 'mallory');
      if (plot() < 0.3) await installation.advanceTo(later(installation.now, plot() * 120));
    }
    target.used = plot() < 0.3;
    await installation.advanceTo(later(installation.now, plot() * 300));
    for (const caseId of cases) {
      const what = plot();
      if (what < 0.1) installation.commanded('revocation-scheduler', draft('readmit.containment.ordered', caseId, { caseId, by: 'gita' }));
      else if (what < 0.2)
        installation.commanded('intake', draft('readmit.case.frozen', caseId, { caseId, by: 'ada', cause: 'repudiated' }));
      else if (what < 0.35)
        installation.command('revocation-scheduler', caseId, endEarly({ id: 'chidi', teams: ['security-oncall'] }, why));
      await installation.advanceTo(later(installation.now, plot() * 60));
    }
    target.unreliable = 0.05;
    await installation.advanceTo(later(installation.now, wholeRunSeconds));
  } catch (error) {
    problems.push({ rule: 'R8.1', message: error instanceof Error ? error.message : String(error) });
  }
  problems.push(...notEnded(installation, target, thief === undefined), ...tooLong(installation, target));
  if (thief === undefined) problems.push(...takenFromOthers(installation, target), ...abandoned(installation));
  return {
    ...{
      seed,
      problems,
      given: target.given.length,
      moves: installation.moves,
      forged: installation.published.filter(({ forged }) => forged).length,
    },
    unapproved: target.given
      .filter((given) => !approved(given, people.signed))
      .map((given) => ({
        given,
        attested: installation.of('readmit.people.attested', true).filter(({ data }) => data.caseId === given.caseId),
      })),
  };
}

/** Whatever was granted is undone or reported as overdue; of a secret, one of the two must be gone. `strictly` (without a thief): undone. */
function notEnded(installation: Installation, target: Target, strictly: boolean): Problem[] {
  const late = new Set(installation.of('readmit.revocation.overdue').map(({ data }) => data.caseId));
  return [...new Set(target.given.map(({ thing }) => thing))].flatMap((thing) => {
    const exists = thing === 'login:payroll_b' ? target.has(thing) && target.has('login:payroll_a') : target.has(thing);
    const cases = target.given.filter((given) => given.thing === thing).map(({ caseId }) => caseId);
    if (!exists || (!strictly && cases.some((caseId) => late.has(caseId)))) return [];
    const message = `${thing}, given for ${cases.join(' and ')}, is ${strictly ? 'not undone' : 'neither undone nor reported as overdue'}`;
    return [{ rule: 'R6.3', message }];
  });
}

/** The expiry at the target is not later than approved. */
const tooLong = (installation: Installation, { given }: Target): Problem[] =>
  given.flatMap(({ thing, caseId, plan, expiresAt }) => {
    const started = installation.of('readmit.execution.started').find(({ data }) => data.caseId === caseId);
    return started && expiresAt > later(new Date(started.at), plan.durationSeconds)
      ? [
          {
            rule: 'R4.7',
            message: `${thing}, given for ${caseId}, would end at the target at ${expiresAt.toISOString()}, later than approved`,
          },
        ]
      : [];
  });

/** A role is removed only if no case holds it: the end of each case that granted it is due, or it failed. */
const takenFromOthers = (installation: Installation, { given, taken }: Target): Problem[] =>
  taken.flatMap(({ thing, caseId, at }) => {
    const over = new Set(
      [...installation.of('readmit.revocation.due'), ...installation.of('readmit.execution.failed')]
        .filter((fact) => new Date(fact.at) <= at)
        .map(({ data }) => data.caseId),
    );
    return given
      .filter((other) => other.thing === thing && other.caseId !== caseId && other.at < at && !over.has(other.caseId))
      .map((other) => ({ rule: 'R6.5', message: `${thing} was removed for ${caseId} while ${other.caseId} held it` }));
  });

/** An unknown outcome is retried and read back as long as the grant lasts. */
const abandoned = (installation: Installation): Problem[] =>
  installation.of('readmit.execution.failed').flatMap(({ at, data: { caseId, reason } }) => {
    const started = installation.of('readmit.execution.started').find((fact) => fact.data.caseId === caseId);
    const ended = installation.of('readmit.revocation.due').some(({ data }) => data.caseId === caseId && data.cause !== 'execution-failed');
    const unknown = reason === 'target-timeout' || reason === 'target-unreachable';
    return unknown && started && at < started.data.endsAt && !ended
      ? [{ rule: 'R5.5' as const, message: `the execution of ${caseId} was abandoned because of ${reason} before its end` }]
      : [];
  });

/** Judged by the directory, the policy and the real signatures of people, not by any event. */
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

/** With classification's key a thief can attest who may decide: here Mallory, who is in no team, becomes one of two. */
function attestMallory(installation: Installation, caseId: string): void {
  const genuine = installation.of('readmit.people.attested').findLast(({ data }) => data.caseId === caseId);
  if (!genuine) return;
  const mallory: Person = {
    ...{ id: 'mallory', human: 'mallory', teams: ['security-oncall', 'system-owner'], authority: 9 },
    ...{ employment: 'employee', privileged: false, keys: enrolled('mallory') },
  };
  const people = [...genuine.data.people.filter(({ id }) => id !== 'mallory'), mallory];
  const data = { ...genuine.data, people };
  installation.forge(
    'classification',
    { id: `forged_attestation_${caseId}`, type: genuine.type, at: installation.now.toISOString(), data } as Fact,
    caseId,
  );
}
