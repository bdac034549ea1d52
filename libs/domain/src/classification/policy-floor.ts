import type { ClassPolicy, Policy, QuorumPart } from '@readmit/contracts';
import { joinQuorums, seatsOf, strictest } from './strictest.js';
import { tiers } from './tiers.js';

const hours = 3600;
const days = 24 * hours;

/** The floor below which no policy goes, whoever writes it (R4.9, R9.3): a policy file may ask for more, never for less. */
const minimum = {
  /** Authority 0 to 2 is whom everybody has at the desk: the least senior never decides alone (R4.3). */
  authority: 3,
  /** Substantial: below it a proof says no more than that somebody claimed something (R3.3). */
  assurance: 2,
} as const;
const maximum = {
  /** A proof of yesterday morning is about another day's attacker. */
  proofAge: 24 * hours,
  /** A call tells who holds the phone now; half a shift later somebody else may. */
  callBackAge: 4 * hours,
  duration: {
    /** A working day: by its end the person has a factor of her own. */
    'mfa-recovery': 8 * hours,
    /** A role that is needed for longer than a day is given where roles are given, not by a recovery. */
    'privileged-restoration': 24 * hours,
    /** The rotation of secrets once a month that auditors ask for. */
    'nhi-secret-restoration': 30 * days,
  },
  /** Who was away over a weekend and a holiday can still decide; what nobody looked at for longer is asked for again. */
  decideWithin: 7 * days,
  /** Plan and proofs describe the target and the caller as they were: a granted approval that waits is a key that lies about. */
  executeWithin: 4 * hours,
  /** For as long as both secrets work a stolen old one does too. */
  overlap: 7 * days,
  /** Who left the company yesterday must not approve today. */
  directoryAge: 24 * hours,
  /** Parts and proofs that the requirements of one case can hold. */
  parts: 5,
  proofs: 10,
} as const;

/** Every way in which the policy is not strict enough, each with its place (R9.1, R9.3). */
export function policyFaults({ classes, privilegedSubject, connectors, directoryMaxAgeSeconds }: Policy): readonly string[] {
  const faults = (Object.keys(classes) as (keyof typeof classes)[]).flatMap((caseClass) => [
    ...classFaults(`/classes/${caseClass}`, classes[caseClass], caseClass !== 'mfa-recovery'),
    ...limitFaults(`/classes/${caseClass}/maxDurationSeconds`, classes[caseClass].maxDurationSeconds, maximum.duration[caseClass], 'R4.5'),
    ...(seatsOf(joinQuorums(classes[caseClass].quorum, privilegedSubject.quorum)) < 2
      ? [`/privilegedSubject/quorum with that of ${caseClass} needs two people at least, for people who are privileged (R4.1)`]
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
    faults.push(
      `/classes and /privilegedSubject have more than ${maximum.parts} parts of a quorum together; give parts that are alike one name`,
    );
  if (all.evidence.length > maximum.proofs) faults.push(`/classes ask for more than ${maximum.proofs} proofs together`);
  return faults;
}

function classFaults(place: string, rules: ClassPolicy, twoPeople: boolean): string[] {
  const { tier, quorum, evidence } = rules;
  return [
    // Nothing of a case is decided without a person yet; a tier that says so would name what does not exist.
    ...(tier === 'self-service' ? [`${place}/tier: self-service cannot be used yet; take agent-assisted or two-person (R4.1)`] : []),
    ...(twoPeople && tier !== 'two-person' ? [`${place}/tier must be two-person (R1.3, R4.1)`] : []),
    ...((twoPeople || tier === 'two-person') && seatsOf(quorum) < 2 ? [`${place}/quorum needs two people at least (R1.3, R4.1)`] : []),
    ...authorityFaults(place, quorum),
    ...(evidence.some(({ kind, assurance }) => kind !== 'ticket' && assurance >= minimum.assurance)
      ? []
      : [
          `${place}/evidence needs a proof of assurance ${minimum.assurance} at least that is no ticket: a ticket says nothing of who asks (R3.3)`,
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

/** What is unknown raises the tier of a case: its connectors must not need less for that (R1.6). */
const connectorFaults = (connectors: Policy['connectors'] = {}): string[] =>
  tiers.flatMap((tier, at) =>
    tiers.slice(0, at).flatMap((lower) => {
      const { capabilities = [], maxResidualSeconds: limit = Infinity } = connectors[lower] ?? {};
      const { capabilities: has = [], maxResidualSeconds: here = Infinity } = connectors[tier] ?? {};
      const lacks = capabilities.filter((capability) => !has.includes(capability));
      return [
        ...(lacks.length > 0 ? [`/connectors/${tier}/capabilities must have ${lacks.join(', ')}, as ${lower} has (R1.6)`] : []),
        ...limitFaults(`/connectors/${tier}/maxResidualSeconds`, here, limit, 'R1.6'),
      ];
    }),
  );

const authorityFaults = (place: string, quorum: readonly QuorumPart[]): string[] =>
  quorum.flatMap(({ authority }, index) =>
    authority < minimum.authority ? [`${place}/quorum/${index}/authority must be ${minimum.authority} at least (R4.3)`] : [],
  );

const limitFaults = (place: string, value: number, limit: number, rule: string): string[] =>
  value > limit ? [`${place} must be ${limit} at most (${rule})`] : [];
