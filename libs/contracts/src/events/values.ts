/** Value shapes that several facts share. Every shape is closed: an unknown field is refused, never ignored. */
import { Type, type Static, type TProperties, type TSchema } from 'typebox';

/** A closed object: unknown fields are an error (STYLE 2.5: absent classification means secret, so absent fields must not exist). */
export const closed = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: false });
export const oneOf = <const T extends readonly string[]>(values: T) => Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
/** The schema with a sentence for the documents that are made of it (OpenAPI, AsyncAPI). Validation passes over it, and no digest covers a schema. */
export const described = <S extends TSchema>(schema: S, description: string): S => Type.With(schema, { description }) as unknown as S;

/**
 * Opaque id: letters, digits and the punctuation that identity providers use in `sub` (`auth0|5f7c`, `ACME\\erin`, `erin#EXT#@x`), at most
 * 255 characters as in OpenID Connect Core 2. Never a name, an address or a phone number.
 */
export const idPattern = '^[A-Za-z0-9._:/@|+#~=%!$&*\\\\-]{1,255}$';
export const Id = Type.String({ minLength: 1, maxLength: 255, pattern: idPattern });
/** Key of an aggregate: an id, or a prefix and an id (`subject:<id>`, `deadline:<service>:subject:<id>`), as the envelope takes it. */
export const AggregateKey = Type.String({ minLength: 1, maxLength: 600, pattern: '^[\\x21-\\x7e]+$' });
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
export const undoKinds = ['bypass.close', 'role.revoke', 'secret.destroy', 'enrolment.withdraw'] as const;
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
 * fingerprint = SHA-256 of the JCS of `{sealing, signing}`; what a call-back reads out is the code that `codeOf` makes of it and of the case's nonce.
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

/** One name that the target itself gives a thing and never changes or gives to another: at PostgreSQL an oid, `{ name: 'login', value: '16400' }`. */
export const Identity = closed({ name: Id, value: Type.String({ minLength: 1, maxLength: 255 }) });
export type Identity = Static<typeof Identity>;
const Identities = Type.Array(Identity, { maxItems: 40 });
/** Name of a facet: may join two names of a target. */
const FacetName = Type.String({ minLength: 1, maxLength: 600 });

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
  /** What the step relies on at the target, by identity: compared before acting, used by the undo (DESIGN 11). */
  identity: Type.Optional(Identities),
  /** What the step holds at the target, by identity: grants of several cases with one hold overlap (R6.5). `<connector>/...` */
  hold: Type.Optional(Id),
  /** Facets that this step changes. After a crash every other facet must still be what the plan saw. */
  touches: Type.Optional(Type.Array(FacetName, { maxItems: 50 })),
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
   * `repudiation`: binds when the case is repudiated, frozen or contained, also after its end; never by the clock (R5.4).
   */
  armedBy: oneOf(['start', 'success', 'repudiation'] as const),
  /** Discharged without an undo when every consumer has taken over (the new secret). */
  unlessTakenOver: Type.Boolean(),
  afterSeconds: Seconds,
  says: Text,
  /** As in the step that it undoes. */
  identity: Type.Optional(Identities),
  hold: Type.Optional(Id),
});
export type Undo = Static<typeof Undo>;
/** What a step gave to an account. */
export const Given = closed({ kind: oneOf(stepKinds), connector: Id, object: Id, entitlement: Type.Optional(Id) });
export type Given = Static<typeof Given>;
/** What an undo was about. */
export const Undone = closed({ kind: oneOf(undoKinds), connector: Id, object: Id, entitlement: Type.Optional(Id) });
export type Undone = Static<typeof Undone>;

/** One thing read at the target that the plan depends on; values are names and states, never secrets. */
export const Facet = closed({ name: FacetName, value: Type.String({ maxLength: 2000 }) });
export type Facet = Static<typeof Facet>;

export const Plan = closed({
  caseId: Id,
  class: oneOf(caseClasses),
  asks: Type.Array(Ask, { minItems: 1, maxItems: 10 }),
  steps: Type.Array(Step, { minItems: 1, maxItems: 20 }),
  removes: Type.Array(Text, { maxItems: 50 }),
  restores: Type.Array(Text, { maxItems: 50 }),
  untouched: Type.Array(Text, { maxItems: 200 }),
  /** What an approver must know beside the steps: who else gets the power through the account, what the end does not take back. */
  warnings: Type.Optional(Type.Array(Text, { maxItems: 50 })),
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
/** What a call-back reads out: 8 hex digits in two groups, `3fa9-01bc`. */
export const SpokenCode = Type.String({ pattern: '^[0-9a-f]{4}-[0-9a-f]{4}$' });
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
