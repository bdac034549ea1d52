/** Schemas that several events share. Every object is closed: an unknown field is refused, never ignored. */
import { Type, type Static, type TProperties, type TSchema } from 'typebox';

/** A closed object: unknown fields are an error. No event may have a field without a class, because that would count as secret. */
export const closed = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: false });
export const oneOf = <const T extends readonly string[]>(values: T) => Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
/** The schema with a description for OpenAPI and AsyncAPI. Validation ignores it, and no digest covers a schema. */
export const described = <S extends TSchema>(schema: S, description: string): S => Type.With(schema, { description }) as unknown as S;

export const idPattern = '^[A-Za-z0-9._:/@|+#~=%!$&*\\\\-]{1,255}$';
/** The punctuation that identity providers use in `sub` (`auth0|5f7c`, `ACME\\erin`, `erin#EXT#@x`) and the length of OpenID Connect Core 2. */
export const Id = described(
  Type.String({ minLength: 1, maxLength: 255, pattern: idPattern }),
  'Opaque id: letters, digits and punctuation, at most 255 characters; never a name, an address or a phone number.',
);
/** Key of an aggregate: an id, or a prefix and an id (`subject:<id>`, `deadline:<service>:subject:<id>`). */
export const AggregateKey = Type.String({ minLength: 1, maxLength: 600, pattern: '^[\\x21-\\x7e]+$' });
export const Instant = described(
  Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$' }),
  'RFC 3339 instant in UTC with milliseconds, e.g. `2026-11-22T10:00:00.000Z`.',
);
export const Digest = described(Type.String({ pattern: '^[0-9a-f]{64}$' }), 'SHA-256 in lower-case hex.');
export const Seconds = described(Type.Integer({ minimum: 0, maximum: 366 * 24 * 3600 }), 'A duration in seconds, at most 366 days.');
export const Text = described(Type.String({ minLength: 1, maxLength: 500 }), 'Text for people, at most 500 characters.');
const Base64Url = Type.String({ minLength: 1, maxLength: 1024, pattern: '^[A-Za-z0-9_-]+$' });

export const caseClasses = ['mfa-recovery', 'privileged-restoration', 'nhi-secret-restoration'] as const;
export type CaseClass = (typeof caseClasses)[number];
/** From the least to the most demanding: the policy decides, an agent assists, two people decide. */
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
/** What a plan may do. No step can re-enable an old secret (R2.3). */
export const stepKinds = ['factor.remove', 'sessions.end', 'account.unlock', 'bypass.issue', 'role.grant', 'secret.issue'] as const;
export type StepKind = (typeof stepKinds)[number];
/** What an obligation undoes. */
export const undoKinds = ['bypass.close', 'role.revoke', 'secret.destroy', 'enrolment.withdraw'] as const;
export type UndoKind = (typeof undoKinds)[number];
/** What a connector may support at its target, in addition to what every connector must (R5.6). */
export const capabilities = ['read-back', 'end-sessions', 'one-time-credential', 'native-expiry'] as const;
export type Capability = (typeof capabilities)[number];
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

const okp = described(Type.Literal('OKP'), 'Key type: octet key pair.');
const keyX = described(Base64Url, 'The public key: 32 bytes in base64url without padding.');
export const SigningKey = described(
  closed({ kty: okp, crv: described(Type.Literal('Ed25519'), 'The curve.'), x: keyX }),
  'Ed25519 public key as a JWK (RFC 8037); it verifies signatures.',
);
export const SealingKey = described(
  closed({ kty: okp, crv: described(Type.Literal('X25519'), 'The curve.'), x: keyX }),
  'X25519 public key as a JWK (RFC 8037); secrets are sealed to it (JWE, ECDH-ES).',
);
export const RecipientKey = described(
  closed({
    signing: described(SigningKey, 'Verifies the proofs in the header `readmit-proof`.'),
    sealing: described(SealingKey, 'Secrets for the holder are sealed to it (compact JWE, `ECDH-ES`).'),
    fingerprint: described(Digest, 'SHA-256 of the JCS (RFC 8785) of `{"sealing":...,"signing":...}`.'),
  }),
  'The pair of public keys that a requester without a sign-in creates for one case, or that a machine has in the directory.',
);
export type RecipientKey = Static<typeof RecipientKey>;

const connector = described(Id, 'Name of the configured target system, e.g. `demo-idp`.');
const object = described(Id, 'The account, login or service account at the target system.');
const entitlement = Type.Optional(described(Id, 'The role or group at the target system; absent where there is none.'));
/** An ask without the id that intake assigns. */
export const askFields = { kind: described(oneOf(askKinds), 'What is requested.'), connector, object, entitlement };
export const Ask = described(
  closed({ id: described(Id, 'Set by Readmit: `ask-1` for the first.'), ...askFields }),
  'One thing that a case requests at one target system.',
);
export type Ask = Static<typeof Ask>;

export const Subject = described(
  closed({
    kind: described(oneOf(['person', 'machine'] as const), 'A human, or a service account.'),
    id: described(Id, 'Id of the person or machine in the directory.'),
  }),
  'The person or machine whose access is recovered.',
);
export const Requester = closed({ kind: oneOf(['anonymous', 'person'] as const), id: Type.Optional(Id) });

export const Identity = described(
  closed({
    name: described(Id, 'What is named, e.g. `login`.'),
    value: described(Type.String({ minLength: 1, maxLength: 255 }), 'The permanent identifier, e.g. an oid of PostgreSQL.'),
  }),
  'An identifier that the target system assigns and never changes or reuses.',
);
export type Identity = Static<typeof Identity>;
const Identities = Type.Array(Identity, { maxItems: 40 });
/** Name of a facet: may combine two names of a target. */
export const FacetName = Type.String({ minLength: 1, maxLength: 600 });
const hold = Type.Optional(
  described(
    Id,
    'The hold at the target, `<connector>/...`: grants of several cases with the same hold overlap (R6.5); absent where there is none.',
  ),
);

export const Step = described(
  closed({
    id: described(Id, 'Id within the plan: `step-1` for the first.'),
    askId: described(Id, 'The ask that it fulfils.'),
    kind: described(oneOf(stepKinds), 'What is done.'),
    connector,
    object,
    entitlement,
    recipients: described(
      Type.Array(Digest, { maxItems: 20 }),
      'Fingerprints of the recipient keys that what the step creates is sealed to; empty where it creates nothing.',
    ),
    says: described(Text, 'The step as a sentence.'),
    identity: Type.Optional(
      described(
        Identities,
        'What the step relies on at the target; compared before it is executed. Absent where the target has no permanent identifiers.',
      ),
    ),
    hold,
    touches: Type.Optional(
      described(Type.Array(FacetName, { maxItems: 50 }), 'Names of the facets that the step changes; all others must stay as in the plan.'),
    ),
  }),
  'One step of a plan.',
);
export type Step = Static<typeof Step>;

export const Undo = described(
  closed({
    id: described(Id, 'Id of the obligation: `<case>/obligation-1` for the first.'),
    kind: described(oneOf(undoKinds), 'What is undone.'),
    connector,
    object,
    entitlement,
    armedBy: described(
      oneOf(['start', 'success', 'repudiation'] as const),
      '`start`: binding as soon as it is recorded; its time runs from the start of the execution. `success`: of an old secret, binding once the new one is in place. `repudiation`: binding when the case is repudiated, frozen or contained, never by time (R5.4).',
    ),
    unlessTakenOver: described(Type.Boolean(), 'Discharged without an undo once every consumer uses the new secret.'),
    afterSeconds: described(Seconds, 'Time from being armed until it is due.'),
    says: described(Text, 'The undo as a sentence.'),
    identity: Type.Optional(described(Identities, 'As in the step that it reverses.')),
    hold,
  }),
  'What must be undone, and when.',
);
export type Undo = Static<typeof Undo>;
/** What a step granted to an account. */
export const Given = closed({ kind: oneOf(stepKinds), connector, object, entitlement });
export type Given = Static<typeof Given>;
/** What an undo reversed. */
export const Undone = closed({ kind: oneOf(undoKinds), connector, object, entitlement });
export type Undone = Static<typeof Undone>;

export const Facet = described(
  closed({
    name: described(FacetName, 'What was read.'),
    value: described(Type.String({ maxLength: 2000 }), 'A name or state, never a secret.'),
  }),
  'One value read at the target system.',
);
export type Facet = Static<typeof Facet>;

export const Plan = described(
  closed({
    caseId: described(Id, 'The case.'),
    class: described(oneOf(caseClasses), 'Class of the case, which sets the ceiling of the plan.'),
    asks: described(Type.Array(Ask, { minItems: 1, maxItems: 10 }), 'What was requested.'),
    steps: described(Type.Array(Step, { minItems: 1, maxItems: 20 }), 'Everything that is done, in this order.'),
    removes: described(Type.Array(Text, { maxItems: 50 }), 'What is removed, in sentences.'),
    restores: described(Type.Array(Text, { maxItems: 50 }), 'What is granted, in sentences.'),
    untouched: described(
      Type.Array(Text, { maxItems: 200 }),
      'What stays as it is, in sentences; the last line of a long list has the number of omitted ones.',
    ),
    warnings: Type.Optional(
      described(
        Type.Array(Text, { maxItems: 50 }),
        'What an approver must know in addition, such as who else gains access and what the end does not revoke; absent if there is nothing.',
      ),
    ),
    obligations: described(Type.Array(Undo, { maxItems: 20 }), 'What must be undone afterwards.'),
    recipients: described(
      Type.Array(
        closed({
          id: described(Id, 'The requester or a consumer of the machine.'),
          fingerprint: described(Digest, 'Fingerprint of the key that secrets are sealed to.'),
        }),
        { maxItems: 20 },
      ),
      'Who can decrypt the secrets that the plan creates.',
    ),
    durationSeconds: described(Seconds, 'How long the grant lasts.'),
    before: described(
      closed({
        digest: described(Digest, 'SHA-256 of the JCS of `facets`.'),
        facets: described(Type.Array(Facet, { maxItems: 200 }), 'What was read, sorted by name.'),
      }),
      'The state of the target system when it was planned; execution reads it again before it starts.',
    ),
    classificationId: described(Id, 'Id of the event that classified the case.'),
  }),
  'What would be done at the target systems. Approvers sign its digest (SHA-256 of its JCS).',
);
export type Plan = Static<typeof Plan>;

export const Ceiling = closed({ steps: Type.Array(oneOf(stepKinds)), entitlements: Type.Array(Id), maxDurationSeconds: Seconds });
export type Ceiling = Static<typeof Ceiling>;

export const QuorumPart = described(
  closed({
    name: described(Id, 'Name of the part in the policy.'),
    teams: described(Type.Array(Id, { minItems: 1 }), 'Members of any of these teams may approve.'),
    count: described(Type.Integer({ minimum: 1, maximum: 5 }), 'Number of distinct people required.'),
    authority: described(Type.Integer({ minimum: 0, maximum: 9 }), 'Minimum authority of each of them in the directory.'),
  }),
  'One part of a quorum. Every part must be complete, and each person counts for one part only.',
);
export type QuorumPart = Static<typeof QuorumPart>;
export const EvidenceNeed = described(
  closed({
    kind: described(oneOf(evidenceKinds), 'Kind of proof.'),
    assurance: described(Type.Integer({ minimum: 1, maximum: 3 }), 'Minimum assurance: 1 low, 2 substantial, 3 high.'),
    maxAgeSeconds: described(Seconds, 'A proof of this age or older does not count.'),
  }),
  'A proof that the policy requires; each recorded proof meets one need.',
);
export type EvidenceNeed = Static<typeof EvidenceNeed>;
export const ConnectorNeeds = described(
  closed({
    capabilities: described(
      Type.Array(oneOf(capabilities), { uniqueItems: true }),
      'Capabilities that the connector of each ask must have.',
    ),
    maxResidualSeconds: Type.Optional(
      described(Seconds, 'The longest time for which an issued credential may keep working at the target after its undo.'),
    ),
  }),
  'What the policy requires of the connector of each ask.',
);
export type ConnectorNeeds = Static<typeof ConnectorNeeds>;
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
  /** For a reissued secret: how long both may be valid at most. */
  overlapSeconds: Seconds,
  /** Absent: the policy requires nothing beyond what the steps need in any case. */
  connector: Type.Optional(ConnectorNeeds),
});
export type Requirements = Static<typeof Requirements>;
export const PolicyRef = closed({ version: Id, digest: Digest });

/** An approver's or verifier's key in the signed directory. `software-key` marks it as weaker than a passkey. */
export const PersonKey = closed({ kid: Id, type: oneOf(['software-key'] as const), key: SigningKey });
/** A person as attested for one case. `human` is the same for two accounts of one human (R4.2). */
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
export const SpokenCode = described(
  Type.String({ pattern: '^[0-9a-f]{4}-[0-9a-f]{4}$' }),
  'The code of a call-back: 8 hex digits in two groups, e.g. `3fa9-01bc`.',
);
export const Consumer = closed({ id: Id, key: RecipientKey });

export const Statement = described(
  closed({
    v: described(Type.Literal(1), 'Version of the statement.'),
    caseId: described(Id, 'The case.'),
    planDigest: described(Digest, 'SHA-256 of the JCS of the plan; for a denial before there is a plan, of the JCS `null`.'),
    evidenceDigest: described(Digest, 'SHA-256 of the JCS of the list of `{"digest":...,"id":...}` of all proofs, sorted by id.'),
    policyDigest: described(Digest, 'SHA-256 of the JCS of the policy document.'),
    decision: described(oneOf(['approve', 'deny'] as const), 'Approve or deny.'),
    approver: described(Id, 'The approver: the `sub` of the access token of the request.'),
    decidedAt: described(
      Instant,
      "When it was signed, by the approver's clock, which may differ from the service's by at most five minutes.",
    ),
    nonce: described(
      Type.String({ minLength: 22, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }),
      'The nonce of the approval view; for a denial while there is none, any value of this form.',
    ),
    reason: described(Text, "Why, in the approver's words."),
  }),
  'What an approver signs: everything that the decision is based on.',
);
export type Statement = Static<typeof Statement>;
export const Proof = described(
  closed({
    type: described(oneOf(['software-key'] as const), 'Kind of key.'),
    kid: described(Id, 'Id of the key in the signed directory.'),
    signature: described(
      Base64Url,
      'Ed25519 over the DSSE v1 pre-authentication encoding of `application/vnd.readmit.decision.v1+json` and the JCS of the statement, in base64url without padding.',
    ),
  }),
  "The approver's signature over the statement.",
);
/** The body of a decision. */
export const signedDecision = { statement: Statement, proof: Proof };
export const Decision = described(
  closed({ id: described(Id, 'Set by Readmit.'), ...signedDecision }),
  'A signed decision that was accepted.',
);
export type Decision = Static<typeof Decision>;

export const EvidenceRef = closed({ id: Id, digest: Digest });
export type EvidenceRef = Static<typeof EvidenceRef>;
