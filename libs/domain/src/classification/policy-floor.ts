import type { ClassPolicy, Policy, QuorumPart } from '@readmit/contracts';
import { joinQuorums, seatsOf, strictest } from './strictest.js';
import { tiers } from './tiers.js';

const hours = 3600;
const days = 24 * hours;

/** Minimum strictness of every policy (R4.9, R9.3): a policy file may require more, never less. */
const minimum = {
  /** Authority 0 to 2 is entry level at the help desk, which never decides alone (R4.3). */
  authority: 3,
  /** Substantial: a proof below it is hardly more than a claim (R3.3). */
  assurance: 2,
} as const;
const maximum = {
  /** A proof from yesterday morning says little about who acts now. */
  proofAge: 24 * hours,
  /** A call shows who holds the phone now; half a shift later that may have changed. */
  callBackAge: 4 * hours,
  duration: {
    /** A working day: by then the person has enrolled a new factor. */
    'mfa-recovery': 8 * hours,
    /** A role that is needed for longer is granted by the usual process, not by a recovery. */
    'privileged-restoration': 24 * hours,
    /** Monthly rotation of secrets, which auditors expect. */
    'nhi-secret-restoration': 30 * days,
  },
  /** Covers a long weekend; a request that nobody decided for longer is opened again. */
  decideWithin: 7 * days,
  /** Plan and proofs describe the past: an approval must not stay usable for long. */
  executeWithin: 4 * hours,
  /** While both secrets work, a stolen old one works too. */
  overlap: 7 * days,
  /** Somebody who left the company yesterday must not approve today. */
  directoryAge: 24 * hours,
  /** Limits of the event that holds the requirements of a case. */
  parts: 5,
  proofs: 10,
} as const;

/**
 * Every place where the policy is not strict enough (R9.1, R9.3). Texts with a JSON pointer and the rule, not refusals: they
 * are read together by the person who corrects the file.
 */
export function policyFaults({ classes, privilegedSubject, connectors, directoryMaxAgeSeconds }: Policy): readonly string[] {
  const faults = (Object.keys(classes) as (keyof typeof classes)[]).flatMap((caseClass) => [
    ...classFaults(`/classes/${caseClass}`, classes[caseClass], caseClass !== 'mfa-recovery'),
    ...limitFaults(`/classes/${caseClass}/maxDurationSeconds`, classes[caseClass].maxDurationSeconds, maximum.duration[caseClass], 'R4.5'),
    ...(seatsOf(joinQuorums(classes[caseClass].quorum, privilegedSubject.quorum)) < 2
      ? [`/privilegedSubject/quorum with that of ${caseClass} needs at least two people, for privileged subjects (R4.1)`]
      : []),
  ]);
  faults.push(
    ...(privilegedSubject.tier === 'two-person' ? [] : ['/privilegedSubject/tier must be two-person (R4.1)']),
    ...authorityFaults('/privilegedSubject', privilegedSubject.quorum),
    ...limitFaults('/directoryMaxAgeSeconds', directoryMaxAgeSeconds, maximum.directoryAge, 'R1.6'),
    ...connectorFaults(connectors),
  );
  const all = strictest(classes['privileged-restoration'], [classes['mfa-recovery'], classes['nhi-secret-restoration']]);
  if (joinQuorums(all.quorum, privilegedSubject.quorum).length > maximum.parts)
    faults.push(`/classes and /privilegedSubject together have more than ${maximum.parts} quorum parts; give similar parts the same name`);
  if (all.evidence.length > maximum.proofs) faults.push(`/classes together require more than ${maximum.proofs} proofs`);
  return faults;
}

function classFaults(place: string, rules: ClassPolicy, twoPeople: boolean): string[] {
  const { tier, quorum, evidence } = rules;
  return [
    // No case is decided without a person yet.
    ...(tier === 'self-service' ? [`${place}/tier: self-service is not available yet; use agent-assisted or two-person (R4.1)`] : []),
    ...(twoPeople && tier !== 'two-person' ? [`${place}/tier must be two-person (R1.3, R4.1)`] : []),
    ...((twoPeople || tier === 'two-person') && seatsOf(quorum) < 2 ? [`${place}/quorum needs at least two people (R1.3, R4.1)`] : []),
    ...authorityFaults(place, quorum),
    ...(evidence.some(({ kind, assurance }) => kind !== 'ticket' && assurance >= minimum.assurance)
      ? []
      : [
          `${place}/evidence needs a proof of at least assurance ${minimum.assurance} that is not a ticket: a ticket does not identify the requester (R3.3)`,
        ]),
    ...evidence.flatMap(({ kind, maxAgeSeconds }, index) =>
      limitFaults(
        `${place}/evidence/${index}/maxAgeSeconds`,
        maxAgeSeconds,
        kind === 'call-back' ? maximum.callBackAge : maximum.proofAge,
        'R3.1',
      ),
    ),
    ...limitFaults(`${place}/decideWithinSeconds`, rules.decideWithinSeconds, maximum.decideWithin, 'R4.7'),
    ...limitFaults(`${place}/executeWithinSeconds`, rules.executeWithinSeconds, maximum.executeWithin, 'R4.7'),
    ...limitFaults(`${place}/overlapSeconds`, rules.overlapSeconds, maximum.overlap, 'R5.2'),
  ];
}

/** Unknown facts raise the tier, so a higher tier must not require less of a connector (R1.6). */
const connectorFaults = (connectors: Policy['connectors'] = {}): string[] =>
  tiers.flatMap((tier, at) =>
    tiers.slice(0, at).flatMap((lower) => {
      const { capabilities = [], maxResidualSeconds: limit = Infinity } = connectors[lower] ?? {};
      const { capabilities: has = [], maxResidualSeconds: here = Infinity } = connectors[tier] ?? {};
      const lacks = capabilities.filter((capability) => !has.includes(capability));
      return [
        ...(lacks.length > 0 ? [`/connectors/${tier}/capabilities must include ${lacks.join(', ')}, like ${lower} (R1.6)`] : []),
        ...limitFaults(`/connectors/${tier}/maxResidualSeconds`, here, limit, 'R1.6'),
      ];
    }),
  );

const authorityFaults = (place: string, quorum: readonly QuorumPart[]): string[] =>
  quorum.flatMap(({ authority }, index) =>
    authority < minimum.authority ? [`${place}/quorum/${index}/authority must be at least ${minimum.authority} (R4.3)`] : [],
  );

const limitFaults = (place: string, value: number, limit: number, rule: string): string[] =>
  value > limit ? [`${place} must be at most ${limit} (${rule})`] : [];
