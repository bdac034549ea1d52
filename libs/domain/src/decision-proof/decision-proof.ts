import type { Decision, EventData, Person, QuorumPart } from '@readmit/contracts';
import type { Crypto, Refusal } from '../kernel/behaviour.js';
import { byHuman, fold, entriesOf, duplicateEntryMessage } from './humans.js';

/** DSSE payload type of a decision, so that no other signature can count as one. */
export const decisionPayloadType = 'application/vnd.readmit.decision.v1+json';

/** What decisions are checked against. All of it comes from signed facts, nothing from the caller. */
export interface DecisionBasis {
  readonly caseId: string;
  readonly planDigest: string;
  readonly evidenceDigest: string;
  readonly policyDigest: string;
  /** Undefined: the request was made without a sign-in. */
  readonly requester: string | undefined;
  readonly subject: string;
  /** People who collected the evidence. */
  readonly collectors: readonly string[];
  /** As attested by classification for this case. */
  readonly people: readonly Person[];
  readonly quorum: readonly QuorumPart[];
  /** Signing keys (`x`) that belong to no person: the case key, keys of consumers. They cannot sign decisions. */
  readonly otherKeys?: readonly string[] | undefined;
}
/** What a denial is checked against. It counts whatever plan, evidence and policy it was signed for. */
export type DenialBasis = Omit<DecisionBasis, 'planDigest' | 'evidenceDigest' | 'policyDigest' | 'collectors'>;

/** `otherKeys` of a case. */
export const otherKeysOf = (
  { caseKey }: Pick<EventData<'readmit.case.opened'>, 'caseKey'>,
  consumers: EventData<'readmit.people.attested'>['consumers'],
): string[] => [...(caseKey ? [caseKey.signing.x] : []), ...consumers.map(({ key }) => key.signing.x)];

const refusal = (rule: string, reason: string, message: string): Refusal => ({ rule, reason, message });

/** Why a decision does not count, or undefined. Used by approval, by execution before it acts, and by the verifier years later. */
export function checkDecision(decision: Decision, basis: DecisionBasis, crypto: Crypto): Refusal | undefined {
  const { statement } = decision;
  if (statement.caseId !== basis.caseId) return refusal('R4.4', 'decision-for-another-case', 'The signed statement names another case.');
  if (statement.planDigest !== basis.planDigest)
    return refusal('R4.4', 'plan-changed', 'The plan has changed since it was signed. Review the new plan and decide again.');
  if (statement.evidenceDigest !== basis.evidenceDigest)
    return refusal('R4.4', 'evidence-changed', 'The evidence has changed since the decision was signed. Review it and decide again.');
  if (statement.policyDigest !== basis.policyDigest)
    return refusal('R9.1', 'policy-changed', 'The decision was signed under another policy. Review the case and decide again.');
  return approverRefusal(statement, basis) ?? checkSignature(decision, basis, crypto);
}

type Approver = Pick<Decision['statement'], 'approver'>;

/** Whether the person may approve and has a key to sign with. */
export const mayApprove = (person: Person, basis: DecisionBasis): boolean =>
  !approverRefusal({ approver: person.id }, basis) && person.keys.some((key) => !keyRefusal(person, key, basis));

/** Why the person may not approve, whatever they sign, or undefined. */
function approverRefusal(statement: Approver, basis: DecisionBasis): Refusal | undefined {
  if (basis.collectors.some(sameHumanAs(statement.approver, basis.people)))
    return refusal('R4.2', 'approver-is-verifier', 'A person who collected evidence cannot approve. Another quorum member must.');
  return signerRefusal(statement, basis);
}

/**
 * Why a denial does not count, or undefined. A quorum member must have signed it, nothing more: it gives no access, so it
 * counts before there is a plan or evidence and after they change, and people who collected evidence may deny too.
 */
export function checkDenial(decision: Decision, basis: DenialBasis, crypto: Crypto): Refusal | undefined {
  const { statement } = decision;
  if (statement.caseId !== basis.caseId) return refusal('R4.4', 'decision-for-another-case', 'The signed statement names another case.');
  if (statement.decision !== 'deny') return refusal('R4.3', 'decision-is-no-deny', 'The signed statement is not a denial.');
  return signerRefusal(statement, basis) ?? checkSignature(decision, basis, crypto);
}

/** Why the person may not decide: not in the quorum, or requester or subject. Undefined: they may. */
function signerRefusal(statement: Approver, basis: DenialBasis): Refusal | undefined {
  const [approver, duplicate] = entriesOf(basis.people, statement.approver);
  if (!approver) return refusal('R4.2', 'approver-unknown', 'The directory does not attest this person for the case.');
  if (duplicate) return refusal('R4.2', 'approver-ambiguous', duplicateEntryMessage);
  const same = sameHumanAs(approver.id, basis.people);
  if (basis.requester !== undefined && same(basis.requester))
    return refusal('R4.2', 'approver-is-requester', 'The requester cannot approve. Another quorum member must.');
  if (same(basis.subject))
    return refusal('R4.2', 'approver-is-subject', 'The subject cannot approve their own recovery. Another quorum member must.');
  if (approver.employment === 'vendor') return refusal('R4.2', 'approver-is-vendor', 'Vendor staff can request, never approve.');
  if (!basis.quorum.some((part) => canFill(approver, part)))
    return refusal('R4.3', 'approver-not-in-quorum', 'This person is not in an approving team, or lacks the required authority.');
  return undefined;
}

/** Why the signature does not count, or undefined: the key must be the signer's and nobody else's. */
function checkSignature({ statement, proof }: Decision, basis: DenialBasis, crypto: Crypto): Refusal | undefined {
  const [approver] = entriesOf(basis.people, statement.approver);
  const key = approver?.keys.find((candidate) => candidate.kid === proof.kid && candidate.type === proof.type);
  if (!approver || !key)
    return refusal('R4.4', 'approver-key-unknown', 'The signing key is not listed for this person in the signed directory.');
  const shared = keyRefusal(approver, key, basis);
  if (shared) return shared;
  if (!crypto.verify(key.key.x, decisionPayloadType, crypto.canonical(statement), proof.signature))
    return refusal('R4.4', 'decision-signature-invalid', 'The signature does not match the statement.');
  return undefined;
}

/** Why a signature by this key does not prove who decided, or undefined. */
function keyRefusal(approver: Person, { key: { x } }: Person['keys'][number], basis: DenialBasis): Refusal | undefined {
  const another = basis.people.some(({ human, keys }) => fold(human) !== fold(approver.human) && keys.some((one) => one.key.x === x));
  if (another || basis.otherKeys?.includes(x) === true)
    return refusal(
      'R4.2',
      'key-of-another',
      'The signing key also belongs to somebody else in this case, so it does not prove who decided.',
    );
  return undefined;
}

/** Tells whether an account, attested or not, belongs to the same human as the approver. */
function sameHumanAs(approver: string, people: readonly Person[]): (id: string) => boolean {
  const humanOf = byHuman(people);
  return (id) => humanOf(id) === humanOf(approver);
}

/** Who fills each part of the quorum, one seat per human. Parts that are not full have fewer in `by`. */
export function quorumProgress(
  quorum: readonly QuorumPart[],
  approvers: readonly string[],
  people: readonly Person[],
): readonly { readonly part: QuorumPart; readonly by: readonly string[] }[] {
  const humanOf = byHuman(people);
  const humans = new Map<string, Person[]>();
  for (const id of new Set(approvers)) {
    const [person, duplicate] = entriesOf(people, id);
    if (person && !duplicate) humans.set(humanOf(id), [...(humans.get(humanOf(id)) ?? []), person]);
  }
  const seats = quorum.flatMap((part, index) => Array.from({ length: part.count }, () => index));
  const best = assignSeats(seats, [...humans.values()], quorum);
  return quorum.map((part, index) => ({ part, by: best.filter((taken) => taken.part === index).map((taken) => taken.person.id) }));
}

export const quorumMet = (quorum: readonly QuorumPart[], approvers: readonly string[], people: readonly Person[]): boolean =>
  quorum.length > 0 && quorumProgress(quorum, approvers, people).every(({ part, by }) => by.length >= part.count);

/** Why these decisions do not give a grant, or undefined. */
export function checkDecisions(decisions: readonly Decision[], basis: DecisionBasis, crypto: Crypto): Refusal | undefined {
  for (const decision of decisions) {
    const found = checkDecision(decision, basis, crypto);
    if (found) return found;
    if (decision.statement.decision !== 'approve') return refusal('R4.3', 'decision-is-deny', 'One of the decisions is a denial.');
  }
  const approvers = decisions.map((decision) => decision.statement.approver);
  if (!quorumMet(basis.quorum, approvers, basis.people))
    return refusal('R4.3', 'quorum-not-met', 'The quorum is not met: each seat needs a different person.');
  return undefined;
}

function canFill(person: Person, part: QuorumPart): boolean {
  return person.employment !== 'vendor' && person.authority >= part.authority && part.teams.some((team) => person.teams.includes(team));
}

/**
 * Assigns humans to seats so that as many seats as possible are filled. A human fills a seat with whichever of their
 * accounts is eligible for it. Quorums have at most 25 seats, so an augmenting path search is fast enough.
 */
function assignSeats(
  seats: readonly number[],
  humans: readonly (readonly Person[])[],
  quorum: readonly QuorumPart[],
): { part: number; person: Person }[] {
  const takenBy = new Map<number, { readonly accounts: readonly Person[]; readonly as: Person }>();
  const place = (accounts: readonly Person[], tried: Set<number>): boolean => {
    for (const [index, partIndex] of seats.entries()) {
      const part = quorum[partIndex];
      const as = part && accounts.find((account) => canFill(account, part));
      if (tried.has(index) || !as) continue;
      tried.add(index);
      const sitting = takenBy.get(index);
      if (!sitting || place(sitting.accounts, tried)) {
        takenBy.set(index, { accounts, as });
        return true;
      }
    }
    return false;
  };
  for (const accounts of humans) place(accounts, new Set());
  return [...takenBy].map(([index, { as }]) => ({ part: seats[index] ?? 0, person: as }));
}
