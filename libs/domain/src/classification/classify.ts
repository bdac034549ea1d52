import type { Ask, CaseClass, Directory, EventData, Policy, QuorumPart, Requirements, Tier } from '@readmit/contracts';
import { askTable, stepsOfClass, whyMachine } from '../kernel/restorations.js';
import type { LiveFindings } from './directory-age.js';
import { lookupOf } from './lookup.js';
import { joinQuorums, strictest } from './strictest.js';
import { tierOrder } from './tiers.js';

/** The directory, or why there is none. What is unknown never lowers a class or a tier (R1.6). */
export type DirectoryFacts =
  | {
      readonly known: true;
      readonly directory: Directory;
      readonly digest: string;
      readonly ageSeconds: number;
      readonly live?: LiveFindings;
    }
  | { readonly known: false; readonly why: string };

type Opened = EventData<'readmit.case.opened'>;
type Classified = EventData<'readmit.case.classified'>;
type Reason = Classified['reasons'][number];
type Account = Pick<Ask, 'connector' | 'object'>;

/** Least strict first; a mixed request takes the last that applies. */
const strictness: readonly CaseClass[] = ['mfa-recovery', 'nhi-secret-restoration', 'privileged-restoration'];

/** Class, tier, ceiling and requirements of a request, with the rules that decided them and the facts that the rules used (R1.1-R1.7). */
export function classify(
  opened: Opened,
  facts: DirectoryFacts,
  policy: { readonly document: Policy; readonly digest: string },
): Classified {
  const reasons: Reason[] = [];
  const machine = facts.known && lookupOf(facts.directory).machines(opened.subject.id).length > 0;
  const person = facts.known ? lookupOf(facts.directory).people(opened.subject.id)[0] : undefined;
  const classes = opened.asks.map((ask) => {
    const { caseClass, reason } = classOf(ask, opened, machine, facts);
    reasons.push(reason);
    return caseClass;
  });
  const caseClass = strictness.findLast((candidate) => classes.includes(candidate)) ?? 'privileged-restoration';
  if (new Set(classes).size > 1) reasons.push({ rule: 'R1.6', says: `A mixed request takes the strictest class: ${caseClass}.` });

  const base = strictest(
    policy.document.classes[caseClass],
    strictness.filter((other) => other !== caseClass && classes.includes(other)).map((other) => policy.document.classes[other]),
  );
  let { tier, quorum }: { tier: Tier; quorum: QuorumPart[] } = base;
  const raise = (message: string, rule = 'R4.1'): void => {
    tier = tierOrder(tier) < tierOrder(policy.document.privilegedSubject.tier) ? policy.document.privilegedSubject.tier : tier;
    quorum = joinQuorums(quorum, policy.document.privilegedSubject.quorum);
    reasons.push({ rule, says: message.slice(0, 500) });
  };
  const unknown = (id: string): string => {
    const alike = facts.known ? lookupOf(facts.directory).similarId(id) : undefined;
    return `The directory does not know ${id}${alike === undefined ? '' : ` (it has ${alike})`}`;
  };
  if (!facts.known) raise(`The directory could not be read (${facts.why}); what is unknown never lowers a tier.`);
  else if (!person && !machine) raise(`${unknown(opened.subject.id)}, the subject; what is unknown never lowers a tier.`);
  else if (person?.privileged) raise('The subject is privileged: the strictest tier applies.');
  if (facts.known) for (const doubt of facts.live?.doubts ?? []) raise(doubt, 'R1.6');
  const requester = requesterIn(opened, facts);
  if (requester === 'unknown' && facts.known)
    raise(
      `${unknown(opened.requester.id ?? '')}, the requester, so it is unknown whether an approver is the same human; what is unknown never lowers a tier.`,
      'R1.6',
    );
  const foreign = opened.asks.filter((ask) => !ownedBySubject(ask, opened, facts));
  if (foreign.length > 0) {
    // Proofs are about the subject: a proven identity must not open somebody else's account.
    raise('The account is not known to belong to the subject; what is unknown never lowers a tier.');
    reasons.push({ rule: 'R2.1', says: `Nothing can be restored: ${whyForeign(foreign, opened, facts)}.`.slice(0, 500) });
  }
  if (opened.durationSeconds > base.maxDurationSeconds)
    reasons.push({
      rule: 'R4.5',
      says: `Nothing can be restored: ${opened.durationSeconds} s were requested, at most ${base.maxDurationSeconds} s are allowed. Open a new request with a shorter duration.`,
    });
  if (base.ticket && opened.ticket === undefined)
    reasons.push({
      rule: 'R4.5',
      says: 'Nothing can be restored: the policy requires a ticket and the request names none. Open a new request with a ticket.',
    });
  reasons.push({ rule: 'R4.1', says: `Tier ${tier}: policy ${policy.document.version}, class ${caseClass}.` });

  const needs = policy.document.connectors?.[tier];
  const requirements: Requirements = {
    evidence: base.evidence,
    verifiers: base.verifiers,
    quorum,
    ticket: base.ticket,
    decideWithinSeconds: base.decideWithinSeconds,
    executeWithinSeconds: base.executeWithinSeconds,
    overlapSeconds: base.overlapSeconds,
    ...(needs === undefined ? {} : { connector: needs }),
  };
  return {
    caseId: opened.caseId,
    class: caseClass,
    tier,
    ceiling: {
      steps: foreign.length > 0 ? [] : [...stepsOfClass(caseClass)],
      entitlements: [...new Set(opened.asks.flatMap((ask) => ask.entitlement ?? []))].sort(),
      maxDurationSeconds: base.maxDurationSeconds,
    },
    requirements,
    policy: { version: policy.document.version, digest: policy.digest },
    reasons,
    facts: [
      { name: 'subject', value: person ? 'person' : machine ? 'machine' : 'unknown' },
      { name: 'subject-privileged', value: person ? String(person.privileged) : 'unknown' },
      { name: 'requester', value: requester },
      facts.known
        ? { name: 'directory', value: facts.digest, ageSeconds: Math.max(0, Math.floor(facts.ageSeconds)) }
        : { name: 'directory', value: 'unknown' },
      ...(facts.known ? (facts.live?.facts ?? []) : []),
    ],
  };
}

/** What the directory knows about the requester: a sign-in alone does not identify the human. */
function requesterIn({ requester }: Opened, facts: DirectoryFacts): 'anonymous' | 'person' | 'unknown' {
  if (requester.id === undefined) return 'anonymous';
  return facts.known && lookupOf(facts.directory).people(requester.id).length > 0 ? 'person' : 'unknown';
}

/** Whether the directory lists the account for the subject, as the kind of subject that was claimed. */
function ownedBySubject(ask: Ask, { subject }: Opened, facts: DirectoryFacts): boolean {
  return (
    facts.known &&
    accountsOf(subject, facts.directory).some(({ connector, object }) => connector === ask.connector && object === ask.object)
  );
}
const accountsOf = ({ kind, id }: Opened['subject'], directory: Directory): readonly Account[] =>
  kind === 'machine'
    ? lookupOf(directory).machines(id)
    : lookupOf(directory)
        .people(id)
        .flatMap(({ accounts }) => accounts);

/** A requester who is not signed in learns no name that was not in the request. */
function whyForeign(foreign: readonly Ask[], { subject, requester }: Opened, facts: DirectoryFacts): string {
  if (!facts.known) return 'the directory could not be read';
  const hint = (text: string): string => (requester.id === undefined ? '' : ` (${text})`);
  const { people, machines, similarId } = lookupOf(facts.directory);
  const { kind, id } = subject;
  if ((kind === 'machine' ? machines(id) : people(id)).length === 0) {
    const other = similarId(id);
    const elsewhere = kind === 'machine' ? people(id) : machines(id);
    const known = elsewhere.length > 0 ? `it has ${id} as a ${kind === 'machine' ? 'person' : 'machine'}` : other && `it has ${other}`;
    return `the directory does not know the ${kind} ${id}${known === undefined ? '' : hint(known)}`;
  }
  const listed = (accounts: readonly Account[]): string =>
    [...new Set(accounts.map(({ connector, object }) => `${connector}/${object}`))].join(', ');
  const owned = listed(accountsOf(subject, facts.directory));
  return `the directory does not name ${listed(foreign)} as an account of ${id}${hint(owned === '' ? 'it names none' : `it names ${owned}`)}`;
}

function classOf(ask: Ask, opened: Opened, machine: boolean, facts: DirectoryFacts): { caseClass: CaseClass; reason: Reason } {
  const { class: least, rule, why, ifPrivileged } = askTable[ask.kind];
  if (least === 'privileged-restoration')
    return { caseClass: least, reason: { rule, says: `${ask.kind} is a privileged restoration: ${why}.` } };
  if (least === 'nhi-secret-restoration' || opened.subject.kind === 'machine' || machine)
    return {
      caseClass: 'nhi-secret-restoration',
      reason: { rule: 'R1.5', says: `${ask.kind} for ${opened.subject.id}: ${whyMachine}.` },
    };
  if (
    ifPrivileged !== undefined &&
    !(
      facts.known &&
      lookupOf(facts.directory)
        .people(opened.subject.id)
        .some((person) => !person.privileged)
    )
  )
    return {
      caseClass: 'privileged-restoration',
      reason: { rule: 'R1.3', says: `${ifPrivileged}, is a privileged restoration.` },
    };
  return { caseClass: least, reason: { rule, says: `${ask.kind} ${why}: MFA recovery.` } };
}
