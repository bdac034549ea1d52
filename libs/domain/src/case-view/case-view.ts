/** A case as people see it: a function of the facts that the caller may see. For lists, the page of a case, the CLI and a console. */
import type { CaseState, EventData, EventType, Fact, FactOf } from '@readmit/contracts';
import { approvalState } from '../approval-request/approval.state.js';
import type { Crypto } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { openFindings } from '../kernel/findings.js';
import { instant, plusSeconds } from '../kernel/time.js';
import type { IntakeFacts } from '../recovery-case/intake.facts.js';
import { caseState, outcomeOf, type CaseOutcome } from '../recovery-case/case-outcome.js';
import { isOverdue, obligationsOf, openObligations } from '../revocation-obligation/obligations.js';
import { needsOf, proofText } from './needs.js';
import { sentenceOf, type CaseTexts } from './sentences.js';

type Opened = EventData<'readmit.case.opened'>;
type Classified = EventData<'readmit.case.classified'>;

/** A row of a list. Does not depend on the clock, so it can be stored. */
export interface CaseRow extends Pick<Opened, 'caseId' | 'subject' | 'requester' | 'asks' | 'reasonCode' | 'ticket'> {
  /** Number of facts: grows with each, and is the same for the same set. */
  readonly version: number;
  readonly state: CaseState;
  readonly outcome: CaseOutcome | null;
  readonly class: Classified['class'] | null;
  readonly tier: Classified['tier'] | null;
  readonly why: Classified['reasons'];
  readonly openedAt: string;
  readonly endsAt: string | null;
  readonly closedAt: string | null;
  readonly openObligations: number;
  readonly overdue: boolean;
}

/** Something that has to happen before the case is over. */
export interface OpenItem {
  readonly what: 'classification' | 'plan' | 'evidence' | 'decision' | 'execution' | 'undo';
  /** Who must act: people of any of these teams, or a service. */
  readonly who: readonly string[];
  readonly until: string | null;
  readonly says: string;
}
export interface CaseView extends CaseRow {
  readonly openItems: readonly OpenItem[];
  /** Who approved it, and what was given. */
  readonly granted: readonly string[];
  /** Who ended it, or why it failed. */
  readonly ended: readonly string[];
  /** What the sweep found at a target and is still there. */
  readonly findings: readonly string[];
}

/** Undefined until CaseOpened has arrived. */
export function caseRow(facts: IntakeFacts): CaseRow | undefined {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return undefined;
  const { caseId, subject, requester, asks, reasonCode, ticket } = opened.data;
  const classified = facts.last('readmit.case.classified');
  return {
    caseId,
    version: facts.size,
    state: caseState(facts),
    outcome: outcomeOf(facts) ?? null,
    class: classified?.data.class ?? null,
    tier: classified?.data.tier ?? null,
    subject,
    requester,
    asks,
    reasonCode,
    ...(ticket === undefined ? {} : { ticket }),
    why: classified?.data.reasons ?? [],
    openedAt: opened.at,
    endsAt: facts.first('readmit.execution.started')?.data.endsAt ?? null,
    closedAt: facts.first('readmit.case.closed')?.at ?? null,
    openObligations: openObligations(facts).length,
    overdue: isOverdue(facts),
  };
}

/** The page of a case at `now`. `words`: what people wrote, if the caller may read it. */
export function caseView(facts: IntakeFacts, now: Date, crypto: Crypto, words?: CaseTexts): CaseView | undefined {
  const row = caseRow(facts);
  if (!row) return undefined;
  const sentences = (events: readonly Fact[]): string[] =>
    events.flatMap((fact) => sentenceOf(fact as FactOf<typeof fact.type>, { words }) ?? []);
  return {
    ...row,
    openItems: [...itemsBeforeStart(facts, now, crypto), ...itemsToUndo(facts, now)],
    granted: sentences([...facts.of('readmit.approval.granted'), ...facts.of('readmit.execution.succeeded')]),
    ended: row.outcome === null ? [] : sentences(facts.all.filter((fact) => ends(fact, row.outcome))),
    findings: sentences(openFindings(facts)),
  };
}

const endings: Readonly<Record<CaseOutcome, readonly EventType[]>> = {
  completed: [],
  denied: ['readmit.decision.recorded'],
  expired: ['readmit.approval.expired'],
  withdrawn: ['readmit.approval.withdrawn'],
  failed: ['readmit.plan.refused', 'readmit.execution.failed'],
  frozen: ['readmit.case.frozen', 'readmit.containment.ordered'],
};
function ends(fact: Fact, outcome: CaseOutcome | null): boolean {
  if (outcome === null || !endings[outcome].includes(fact.type)) return false;
  return fact.type !== 'readmit.decision.recorded' || fact.data.decision.statement.decision === 'deny';
}

/** What the case waits for before execution starts. */
function itemsBeforeStart(facts: IntakeFacts, now: Date, crypto: Crypto): readonly OpenItem[] {
  const classified = facts.last('readmit.case.classified');
  // Also all that a key holder is shown before the code was read back.
  if (!classified)
    return outcomeOf(facts)
      ? []
      : [
          {
            what: 'classification',
            who: ['classification'],
            until: null,
            says: 'its classification, then the proofs and decisions that it asks for',
          },
        ];
  const state = approvalState(facts, now, crypto);
  const { requirements } = classified.data;
  switch (state.name) {
    case 'waiting-for-plan': {
      const until = instant(plusSeconds(classified.at, requirements.decideWithinSeconds));
      return [{ what: 'plan', who: ['execution'], until, says: 'a plan, which execution makes' }, ...missing(facts, state, until)];
    }
    case 'waiting-for-evidence':
    case 'waiting-for-decisions':
      return missing(facts, state, instant(state.decideBefore));
    case 'granted': {
      const granted = facts.first('readmit.approval.granted');
      if (!granted || facts.has('readmit.execution.started') || facts.has('readmit.execution.failed')) return [];
      return [{ what: 'execution', who: ['execution'], until: granted.data.goodUntil, says: 'its execution' }];
    }
    default:
      return [];
  }

  function missing(of: IntakeFacts, current: typeof state, until: string): readonly OpenItem[] {
    const { evidence, quorum } = needsOf(of, current, now, crypto);
    const proofs = evidence
      .filter(({ met }) => !met)
      .map(({ need }): OpenItem => ({
        what: 'evidence',
        who: requirements.verifiers,
        until,
        says: `a proof: ${proofText(need)}, recorded by ${requirements.verifiers.join(' or ')}`,
      }));
    const seats = quorum
      .filter(({ part, by }) => by.length < part.count)
      .map(({ part, by }): OpenItem => ({
        what: 'decision',
        who: part.teams,
        until,
        says: `a decision: ${part.count - by.length} of ${part.teams.join(' or ')} (${part.name})`,
      }));
    return [...proofs, ...seats];
  }
}

/** What must still be undone. */
function itemsToUndo(facts: IntakeFacts, now: Date): readonly OpenItem[] {
  const open = openObligations(facts);
  return obligationsOf(facts, now)
    .filter(({ id }) => open.includes(id))
    .map(({ undo, dueAt, latestQuestion }) => ({
      what: 'undo',
      who: ['execution'],
      until: latestQuestion?.at ?? (dueAt ? instant(dueAt) : null),
      says: undo.says,
    }));
}

/**
 * What the holder of the case key is shown without a sign-in. Anyone can open a case about anyone with a key of their own.
 * Until the code was read back by the person on record (or the request was granted), they learn only what they sent: not
 * whether the subject exists, how privileged it is, what it has at a target, or who works on the case.
 */
export function shownToKey(facts: IntakeFacts): IntakeFacts {
  const fingerprint = facts.first('readmit.case.opened')?.data.caseKey?.fingerprint;
  const readBack = facts
    .of('readmit.evidence.added')
    .some(({ data }) => data.fingerprint !== undefined && data.fingerprint === fingerprint);
  if (readBack || facts.has('readmit.approval.granted')) return facts;
  // Not even its end: whether and when a case ends by itself depends on the subject.
  const own: readonly EventType[] = ['readmit.case.opened', 'readmit.approval.withdrawn'];
  return new Facts(facts.all.filter(({ type }) => own.includes(type)));
}
