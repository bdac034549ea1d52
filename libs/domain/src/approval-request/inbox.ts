import type { EvidenceNeed, Person } from '@readmit/contracts';
import { mayApprove, quorumProgress, type DecisionBasis } from '../decision-proof/decision-proof.js';
import { verifierRefusal } from '../decision-proof/verifier.js';
import { metUntil } from '../evidence/evidence.js';
import type { Crypto } from '../kernel/behaviour.js';
import { reached } from '../kernel/time.js';
import { approvalState, approvalsFor, hasDecided, planOf, requestFor } from './approval.state.js';
import type { ApprovalFacts } from './approval.facts.js';

/** What a case waits for from one person, and in which span of time, since proofs become stale without an event. */
export interface Waiting {
  readonly person: string;
  readonly what: 'decision' | 'evidence';
  /** It waits from here until just before `until`. */
  readonly from: Date;
  readonly until: Date;
  /** When the request expires. */
  readonly deadline: Date;
  /** RFC 3339: when it was requested. */
  readonly since: string;
  /** Teams of the person because of which it waits for them. */
  readonly teams: readonly string[];
  /** Names of the quorum parts in which the person would fill a seat; empty for evidence. */
  readonly parts: readonly string[];
}

/** Why it is theirs, for the person: the rule and a sentence. */
export function whyWaiting({ what, teams, parts }: Pick<Waiting, 'what' | 'teams' | 'parts'>): {
  readonly rule: string;
  readonly says: string;
} {
  const membership = `You are in ${teams.join(' and ')}`;
  return what === 'decision'
    ? { rule: 'R4.3', says: `${membership}, whose decision is still missing (${parts.join(', ')}).` }
    : { rule: 'R3.1', says: `${membership}, who record the proofs of this case.` };
}

export type NextStep = 'decide' | 'look-up-contact' | 'record-proof';

/** What the person does next about it. A call-back starts with the number on record (R3.4); other proofs are recorded at once. */
export function nextStep(what: Waiting['what'], [need]: readonly Pick<EvidenceNeed, 'kind'>[]): NextStep {
  if (what === 'decision') return 'decide';
  return need?.kind === 'call-back' ? 'look-up-contact' : 'record-proof';
}

/**
 * For whom the case waits, from now until the next fact arrives: verifiers while a proof is missing, then approvers who would
 * fill one more seat of the quorum. By the same rules as the commands: nobody is listed whom they would refuse.
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
  // The proofs stay fresh until the deadline, or some become stale before it.
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
  const taken = filledSeats(seatsWith([]));
  const deciding = new Set(basis.quorum.flatMap((part) => part.teams));
  return basis.people.flatMap((person): Waiting[] => {
    if (teamsIn(person, deciding).length === 0 || !mayApprove(person, basis) || hasDecided(facts, basis, person.id)) return [];
    const progress = seatsWith([person.id]);
    if (filledSeats(progress) <= taken) return [];
    const parts = progress.filter(({ by }) => by.includes(person.id)).map(({ part }) => part);
    const teams = teamsIn(person, new Set(parts.flatMap((part) => part.teams)));
    return [{ person: person.id, what: 'decision', ...span, teams, parts: parts.map(({ name }) => name) }];
  });
}

const filledSeats = (progress: ReturnType<typeof quorumProgress>): number => progress.reduce((sum, { by }) => sum + by.length, 0);
const teamsIn = (person: Person, among: ReadonlySet<string>): readonly string[] => person.teams.filter((team) => among.has(team));
