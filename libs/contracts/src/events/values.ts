/** Value shapes that several facts share. Every shape is closed: an unknown field is refused, never ignored. */
import { Type, type Static, type TProperties } from 'typebox';

/** A closed object: unknown fields are an error (STYLE 2.5: absent classification means secret, so absent fields must not exist). */
export const closed = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: false });
export const oneOf = <const T extends readonly string[]>(values: T) => Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });

/** Opaque id: letters, digits, dot, dash, underscore, colon. Never a name, an address or a phone number. */
export const Id = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9._:/@-]+$' });
/** RFC 3339 instant in UTC with milliseconds. */
export const Instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$' });
/** Lower-case hex SHA-256. */
export const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });
export const Seconds = Type.Integer({ minimum: 0, maximum: 366 * 24 * 3600 });
export const Text = Type.String({ minLength: 1, maxLength: 500 });
const Base64Url = Type.String({ minLength: 1, maxLength: 1024, pattern: '^[A-Za-z0-9_-]+$' });

export const caseClasses = ['mfa-recovery', 'privileged-restoration', 'nhi-secret-restoration'] as const;
export type CaseClass = (typeof caseClasses)[number];
/** From the least to the most demanding: the policy decides alone, an agent helps, two people decide. */
export const tiers = ['self-service', 'agent-assisted', 'two-person'] as const;
export type Tier = (typeof tiers)[number];
export const askKinds = [
  'factor.replace',
  'factor.bypass',
  'factor.reset',
  'backup-method.activate',
  'account.unlock',
  'role.restore',
  'group.restore',
  'breakglass.activate',
  'secret.rotate',
  'secret.reissue',
] as const;
export type AskKind = (typeof askKinds)[number];
/** What a plan may do. There is no step that re-enables an old secret (R2.3): it cannot be written down. */
export const stepKinds = ['factor.remove', 'sessions.end', 'account.unlock', 'bypass.issue', 'role.grant', 'secret.issue'] as const;
export type StepKind = (typeof stepKinds)[number];
/** What an obligation undoes. */
export const undoKinds = ['bypass.close', 'role.revoke', 'secret.destroy'] as const;
export type UndoKind = (typeof undoKinds)[number];
export const evidenceKinds = ['call-back', 'manager-vouch', 'ticket', 'identity-document', 'owner-confirmation'] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];
export const reasonCodes = [
  'lost-device',
  'lockout',
  'device-replacement',
  'travel',
  'incident-response',
  'secret-dead',
  'role-lost',
] as const;

/** Ed25519 public key as a JWK (RFC 8037): verifies signatures. */
export const SigningKey = closed({ kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Base64Url });
/** X25519 public key as a JWK (RFC 8037): secrets are sealed to it (JWE, ECDH-ES). */
export const SealingKey = closed({ kty: Type.Literal('OKP'), crv: Type.Literal('X25519'), x: Base64Url });
/**
 * The pair that somebody without a sign-in makes for one case, or that a machine has in the directory.
 * fingerprint = SHA-256 of the JCS of `{sealing, signing}`; what a call-back reads out are its first 8 hex digits in two groups.
 */
export const RecipientKey = closed({ signing: SigningKey, sealing: SealingKey, fingerprint: Digest });
export type RecipientKey = Static<typeof RecipientKey>;

export const Ask = closed({
  id: Id,
  kind: oneOf(askKinds),
  /** Name of the configured target system, e.g. `demo-idp`, `target-postgres`. */
  connector: Id,
  /** The account, login or service account at the target. */
  object: Id,
  /** The role or group, for asks that have one. */
  entitlement: Type.Optional(Id),
});
export type Ask = Static<typeof Ask>;

export const Subject = closed({ kind: oneOf(['person', 'machine'] as const), id: Id });
export const Requester = closed({ kind: oneOf(['anonymous', 'person'] as const), id: Type.Optional(Id) });

export const Step = closed({
  id: Id,
  askId: Id,
  kind: oneOf(stepKinds),
  connector: Id,
  object: Id,
  entitlement: Type.Optional(Id),
  /** Who may open what the step makes: fingerprints of recipient keys. */
  recipients: Type.Array(Digest, { maxItems: 20 }),
  /** A sentence an approver can read. */
  says: Text,
});
export type Step = Static<typeof Step>;

export const Undo = closed({
  id: Id,
  kind: oneOf(undoKinds),
  connector: Id,
  object: Id,
  entitlement: Type.Optional(Id),
  /**
   * `start`: binds as soon as it is recorded, its clock starts with the execution.
   * `success`: the old secret; binds only once the new one is in place.
   */
  armedBy: oneOf(['start', 'success'] as const),
  /** Discharged without an undo when every consumer has taken over (the new secret). */
  unlessTakenOver: Type.Boolean(),
  afterSeconds: Seconds,
  says: Text,
});
export type Undo = Static<typeof Undo>;
/** What an undo was about. */
export const Undone = closed({ kind: oneOf(undoKinds), connector: Id, object: Id, entitlement: Type.Optional(Id) });
export type Undone = Static<typeof Undone>;

/** One thing read at the target that the plan depends on; values are names and states, never secrets. */
export const Facet = closed({ name: Id, value: Type.String({ maxLength: 2000 }) });
export type Facet = Static<typeof Facet>;

export const Plan = closed({
  caseId: Id,
  class: oneOf(caseClasses),
  asks: Type.Array(Ask, { minItems: 1, maxItems: 10 }),
  steps: Type.Array(Step, { minItems: 1, maxItems: 20 }),
  removes: Type.Array(Text, { maxItems: 50 }),
  restores: Type.Array(Text, { maxItems: 50 }),
  untouched: Type.Array(Text, { maxItems: 200 }),
  obligations: Type.Array(Undo, { maxItems: 20 }),
  recipients: Type.Array(closed({ id: Id, fingerprint: Digest }), { maxItems: 20 }),
  durationSeconds: Seconds,
  before: closed({ digest: Digest, facets: Type.Array(Facet, { maxItems: 200 }) }),
  /** The classification this plan keeps under: its event id. */
  classificationId: Id,
});
export type Plan = Static<typeof Plan>;

export const Ceiling = closed({ steps: Type.Array(oneOf(stepKinds)), entitlements: Type.Array(Id), maxDurationSeconds: Seconds });
export type Ceiling = Static<typeof Ceiling>;

/** One part of a quorum: `count` distinct people of one of `teams`, each with at least `authority`. Parts are joined by AND. */
export const QuorumPart = closed({
  name: Id,
  teams: Type.Array(Id, { minItems: 1 }),
  count: Type.Integer({ minimum: 1, maximum: 5 }),
  authority: Type.Integer({ minimum: 0, maximum: 9 }),
});
export type QuorumPart = Static<typeof QuorumPart>;
export const EvidenceNeed = closed({
  kind: oneOf(evidenceKinds),
  assurance: Type.Integer({ minimum: 1, maximum: 3 }),
  maxAgeSeconds: Seconds,
});
export type EvidenceNeed = Static<typeof EvidenceNeed>;
export const Requirements = closed({
  evidence: Type.Array(EvidenceNeed, { maxItems: 10 }),
  /** Teams whose members may collect evidence. */
  verifiers: Type.Array(Id),
  quorum: Type.Array(QuorumPart, { maxItems: 5 }),
  ticket: Type.Boolean(),
  /** How long a request may wait for its decisions. */
  decideWithinSeconds: Seconds,
  /** How long a granted approval may wait for its execution. */
  executeWithinSeconds: Seconds,
  /** For a reissued secret: how long both are valid at most. */
  overlapSeconds: Seconds,
});
export type Requirements = Static<typeof Requirements>;
export const PolicyRef = closed({ version: Id, digest: Digest });

/** An approver's or verifier's key in the signed directory. `software-key` is weaker than a passkey and says so. */
export const PersonKey = closed({ kid: Id, type: oneOf(['software-key'] as const), key: SigningKey });
/** A person as classification attests it for one case. `human` is the same for two accounts of one human (R4.2). */
export const Person = closed({
  id: Id,
  human: Id,
  teams: Type.Array(Id),
  authority: Type.Integer({ minimum: 0, maximum: 9 }),
  employment: oneOf(['employee', 'vendor'] as const),
  privileged: Type.Boolean(),
  keys: Type.Array(PersonKey),
});
export type Person = Static<typeof Person>;
export const Consumer = closed({ id: Id, key: RecipientKey });

/** What an approver signs: everything the decision rests on. Signed as DSSE over its JCS, payload type `application/vnd.readmit.decision.v1+json`. */
export const Statement = closed({
  v: Type.Literal(1),
  caseId: Id,
  planDigest: Digest,
  evidenceDigest: Digest,
  policyDigest: Digest,
  decision: oneOf(['approve', 'deny'] as const),
  approver: Id,
  decidedAt: Instant,
  nonce: Type.String({ minLength: 22, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }),
  reason: Text,
});
export type Statement = Static<typeof Statement>;
export const Proof = closed({ type: oneOf(['software-key'] as const), kid: Id, signature: Base64Url });
export const Decision = closed({ id: Id, statement: Statement, proof: Proof });
export type Decision = Static<typeof Decision>;

export const EvidenceRef = closed({ id: Id, digest: Digest });
export type EvidenceRef = Static<typeof EvidenceRef>;
