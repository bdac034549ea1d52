/** The policy file (R9.1): one reviewed document with a schema. Deliberately small: tiers, proofs, quorums and durations per class. */
import { Type, type Static } from 'typebox';
import { caseClasses, closed, ConnectorNeeds, EvidenceNeed, Id, QuorumPart, Seconds, tiers, oneOf } from './events/values.js';

export const ClassPolicy = closed({
  tier: oneOf(tiers),
  evidence: Type.Array(EvidenceNeed, { minItems: 1 }),
  /** Teams whose members may collect evidence. */
  verifiers: Type.Array(Id, { minItems: 1 }),
  /** AND of ORs: every part needs `count` distinct people from its teams. */
  quorum: Type.Array(QuorumPart, { minItems: 1, maxItems: 5 }),
  ticket: Type.Boolean(),
  maxDurationSeconds: Seconds,
  decideWithinSeconds: Seconds,
  executeWithinSeconds: Seconds,
  overlapSeconds: Seconds,
});
export type ClassPolicy = Static<typeof ClassPolicy>;

export const Policy = closed({
  version: Id,
  classes: closed({
    [caseClasses[0]]: ClassPolicy,
    [caseClasses[1]]: ClassPolicy,
    [caseClasses[2]]: ClassPolicy,
  }),
  /** Added to the requirements of the class if the subject is privileged, or not in the directory (R1.6: unknown never lowers). */
  privilegedSubject: closed({ tier: oneOf(tiers), quorum: Type.Array(QuorumPart, { maxItems: 5 }) }),
  /** What connectors must support for a case of a tier: otherwise no plan is made (R5.6). */
  connectors: Type.Optional(
    closed({
      [tiers[0]]: Type.Optional(ConnectorNeeds),
      [tiers[1]]: Type.Optional(ConnectorNeeds),
      [tiers[2]]: Type.Optional(ConnectorNeeds),
    }),
  ),
  /** An older directory is not used. */
  directoryMaxAgeSeconds: Seconds,
});
export type Policy = Static<typeof Policy>;
