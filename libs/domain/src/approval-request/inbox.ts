import type { Person } from '@readmit/contracts';
import { mayApprove, quorumProgress, type DecisionBasis } from '../decision-proof/decision-proof.js';
import { verifierRefusal } from '../decision-proof/verifier.js';
import { metUntil } from '../evidence/evidence.js';
import type { Crypto } from '../kernel/behaviour.js';
import { reached } from '../kernel/time.js';
import { approvalState, approvalsFor, hasDecided, planOf, requestFor } from './approval.state.js';
import type { ApprovalFacts } from './approval.facts.js';

/** What a case waits for from one person, in a span of time: proofs get stale without anybody saying so. */
export interface Waiting {
  readonly person: string;
  readonly what: 'decision' | 'evidence';
  /** It waits from here until before `until`. */
  readonly from: Date;
  readonly until: Date;
  /** When the request expires. */
  readonly deadline: Date;
  /** RFC 3339: when it was asked for. */
  readonly since: string;
  /** Teams of the person that make it theirs. */
  readonly teams: readonly string[];
  /** Of a decision: names of the parts of the quorum in which the person would take a seat. */
  readonly parts: readonly string[];
}

/**
 * For whom the case waits, as these facts tell it from now on until another fact comes: verifiers while a proof is missing, then approvers
 * with whom one more seat of the quorum is filled. Commands judge by the same rules; nobody stands here whom they would refuse for who they are.
 */
export function waitingIn(facts: ApprovalFacts, now: Date, crypto: Crypto): readonly Waiting[] {
  const state = approvalState(facts, now, crypto);
  if (state.name !== 'waiting-for-evidence' && state.name !== 'waiting-for-decisions') return [];
  const { basis, decideBefore } = state;
  const requirements = facts.last('readmit.case.classified')?.data.requirements;
  const opened = facts.first('readmit.case.opened');
  const planned = planOf(facts);
  if (!requirements || !opened || !planned) return [];
  const proved = metUntil(requirements.evidence, facts.of('readmit.evidence.added'), now, decideBefore);
  const waiting = proved ? decisionsWaiting(facts, basis, crypto, { until: proved, deadline: decideBefore }) : [];
  // Proofs that are all there hold to the deadline, or are missing again before it.
  if (proved && reached(decideBefore, proved)) return waiting;
  const span = { from: proved ?? new Date(0), until: decideBefore, deadline: decideBefore, since: planned.at };
  const verifiers = new Set(requirements.verifiers);
  const verifying = basis.people.flatMap((person): Waiting[] => {
    const teams = teamsIn(person, verifiers);
    if (teams.length === 0 || verifierRefusal(person.id, opened.data, basis.people, requirements.verifiers)) return [];
    return [{ person: person.id, what: 'evidence', ...span, teams, parts: [] }];
  });
  return [...waiting, ...verifying];
}

function decisionsWaiting(
  facts: ApprovalFacts,
  basis: DecisionBasis,
  crypto: Crypto,
  ends: Pick<Waiting, 'until' | 'deadline'>,
): readonly Waiting[] {
  const request = requestFor(facts, basis);
  if (!request) return [];
  const span = { from: new Date(0), ...ends, since: request.at };
  const approvers = approvalsFor(facts, basis, crypto).map(({ data }) => data.decision.statement.approver);
  const seatsWith = (more: readonly string[]) => quorumProgress(basis.quorum, [...approvers, ...more], basis.people);
  const taken = seatsOf(seatsWith([]));
  const deciding = new Set(basis.quorum.flatMap((part) => part.teams));
  return basis.people.flatMap((person): Waiting[] => {
    if (teamsIn(person, deciding).length === 0 || !mayApprove(person, basis) || hasDecided(facts, basis, person.id)) return [];
    const progress = seatsWith([person.id]);
    if (seatsOf(progress) <= taken) return [];
    const parts = progress.filter(({ by }) => by.includes(person.id)).map(({ part }) => part);
    const teams = teamsIn(person, new Set(parts.flatMap((part) => part.teams)));
    return [{ person: person.id, what: 'decision', ...span, teams, parts: parts.map(({ name }) => name) }];
  });
}

const seatsOf = (progress: ReturnType<typeof quorumProgress>): number => progress.reduce((sum, { by }) => sum + by.length, 0);
const teamsIn = (person: Person, among: ReadonlySet<string>): readonly string[] => person.teams.filter((team) => among.has(team));
