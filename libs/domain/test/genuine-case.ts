/** One genuine case as it is logged, and functions to change one thing of it at a time. */
import type { Decision, EventData, EventType, Fact, Plan, Undo } from '@readmit/contracts';
import canonicalize from 'canonicalize';
import { createHash, createHmac, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { decisionPayloadType } from '../src/decision-proof/decision-proof.js';
import { evidenceDigest } from '../src/evidence/evidence.js';
import type { Crypto } from '../src/kernel/behaviour.js';
import type { LoggedFact } from '../src/audit-log/case-log.js';
import { judgeCase } from '../src/audit-log/case-rules.js';
import type { Finding } from '../src/audit-log/finding.js';

const keys = new Map(['chidi', 'dana', 'boris'].map((id) => [id, generateKeyPairSync('ed25519')]));
const publicOf = (id: string): string => keys.get(id)?.publicKey.export({ format: 'jwk' }).x ?? '';
const publicKeys = new Map<string, KeyObject>(
  [...keys.values()].map(({ publicKey }) => [publicKey.export({ format: 'jwk' }).x ?? '', publicKey]),
);
const pae = (type: string, text: string): Buffer => Buffer.from(`DSSEv1 ${type.length} ${type} ${Buffer.byteLength(text)} ${text}`);
export const crypto: Crypto = {
  canonical: (value) => canonicalize(value) ?? '',
  hmac: (key, text) => createHmac('sha256', key).update(text).digest('hex'),
  digest: (value) =>
    createHash('sha256')
      .update(canonicalize(value) ?? '')
      .digest('hex'),
  verify: (x, type, text, signature) => {
    const key = publicKeys.get(x);
    return key !== undefined && verify(null, pae(type, text), key, Buffer.from(signature, 'base64url'));
  },
};
export const judge = { crypto, graceSeconds: 300 };
export const caseId = 'case_1';
export const zero = '0'.repeat(64);
/** The contact point on record of the subject. */
export const contact = '1'.repeat(64);
export const seconds = (n: number): string => new Date(Date.parse('2026-11-22T10:00:00.000Z') + n * 1000).toISOString();

export const undo: Undo = {
  id: 'obligation_1',
  kind: 'role.revoke',
  connector: 'target-postgres',
  object: 'erin',
  entitlement: 'admin',
  armedBy: 'start',
  unlessTakenOver: false,
  afterSeconds: 60,
  says: 'take the role away',
};
export const plan: Plan = {
  caseId,
  class: 'privileged-restoration',
  asks: [{ id: 'ask_1', kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'admin' }],
  steps: [
    {
      id: 'step_1',
      askId: 'ask_1',
      kind: 'role.grant',
      connector: 'target-postgres',
      object: 'erin',
      entitlement: 'admin',
      recipients: [],
      says: 'give the role',
    },
  ],
  removes: [],
  restores: [],
  untouched: [],
  obligations: [undo],
  recipients: [],
  durationSeconds: 60,
  before: { digest: zero, facets: [] },
  classificationId: 'event_classified',
};
const person = (id: string, team: string, human = id) => ({
  id,
  human,
  teams: [team],
  authority: 3,
  employment: 'employee' as const,
  privileged: false,
  keys: keys.has(id)
    ? [{ kid: `key_${id}`, type: 'software-key' as const, key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: publicOf(id) } }]
    : [],
});
const refs = [{ id: 'evidence_1', digest: zero }];
export function decision(approver: string, over: Partial<Decision['statement']> = {}): Decision {
  const statement = {
    v: 1 as const,
    caseId,
    planDigest: crypto.digest(plan),
    evidenceDigest: evidenceDigest(refs, crypto),
    policyDigest: zero,
    decision: 'approve' as const,
    approver,
    decidedAt: seconds(4),
    nonce: 'n'.repeat(22),
    reason: 'verified by phone',
    ...over,
  };
  const key = keys.get(approver)?.privateKey;
  if (!key) throw new Error(`no key of ${approver}`);
  return {
    id: `decision_${approver}`,
    statement,
    proof: {
      type: 'software-key',
      kid: `key_${approver}`,
      signature: sign(null, pae(decisionPayloadType, crypto.canonical(statement)), key).toString('base64url'),
    },
  };
}
export const said = <T extends EventType>(type: T, at: number, data: EventData<T>, id = `event_${type.split('.').at(-1)}`): Fact =>
  ({ id, type, at: seconds(at), data }) as Fact;
export const grant = (over: Partial<EventData<'readmit.approval.granted'>> = {}): Fact =>
  said('readmit.approval.granted', 5, {
    caseId,
    grantId: 'grant_1',
    planDigest: crypto.digest(plan),
    evidenceDigest: evidenceDigest(refs, crypto),
    evidence: refs,
    decisions: [decision('chidi'), decision('dana')],
    directory: { digest: zero, ageSeconds: 1 },
    attestationId: 'event_attested',
    goodUntil: seconds(600),
    durationSeconds: 60,
    obligations: [undo],
    ...over,
  });
export const attestedPeople = [
  person('erin', 'admins'),
  person('boris', 'help-desk'),
  person('chidi', 'security-oncall'),
  person('dana', 'system-owner'),
];
export const attested = (people = attestedPeople): Fact =>
  said('readmit.people.attested', 1, {
    caseId,
    directory: { digest: zero, issuedAt: seconds(0), ageSeconds: 1 },
    people,
    contacts: [contact],
    consumers: [],
  });
export const genuine: readonly Fact[] = [
  said('readmit.case.opened', 0, {
    caseId,
    asks: plan.asks,
    subject: { kind: 'person', id: 'erin' },
    requester: { kind: 'person', id: 'erin' },
    reasonCode: 'role-lost',
    reasonDigest: zero,
    durationSeconds: 60,
  }),
  said('readmit.case.classified', 1, {
    caseId,
    class: 'privileged-restoration',
    tier: 'two-person',
    ceiling: { steps: ['role.grant'], entitlements: ['admin'], maxDurationSeconds: 600 },
    requirements: {
      evidence: [],
      verifiers: ['help-desk'],
      ticket: false,
      decideWithinSeconds: 600,
      executeWithinSeconds: 600,
      overlapSeconds: 60,
      quorum: [
        { name: 'security', teams: ['security-oncall'], count: 1, authority: 1 },
        { name: 'owner', teams: ['system-owner'], count: 1, authority: 1 },
      ],
    },
    policy: { version: 'v1', digest: zero },
    reasons: [{ rule: 'privileged', says: 'an admin role' }],
    facts: [],
  }),
  attested(),
  said('readmit.plan.proposed', 2, { caseId, planId: 'plan_1', plan, digest: crypto.digest(plan) }),
  said('readmit.evidence.added', 3, {
    caseId,
    evidenceId: 'evidence_1',
    kind: 'call-back',
    channel: 'phone',
    assurance: 3,
    collectedBy: 'boris',
    collectedAt: seconds(3),
    staleAt: seconds(900),
    digest: zero,
    contact,
  }),
  grant(),
  said('readmit.obligation.recorded', 6, { caseId, obligationId: 'obligation_1', grantId: 'grant_1', undo, hardBound: seconds(660) }),
  said('readmit.execution.started', 7, {
    caseId,
    executionId: 'execution_1',
    planDigest: crypto.digest(plan),
    grantId: 'grant_1',
    endsAt: seconds(67),
    holds: [],
  }),
  said('readmit.execution.succeeded', 8, { caseId, executionId: 'execution_1', planDigest: crypto.digest(plan), after: [], sealed: [] }),
];
type How = EventData<'readmit.obligation.discharged'>['how'];
/** Discharge by the scheduler. */
export const discharged = (at: number, how: How = 'undone'): Fact =>
  said('readmit.obligation.discharged', at, { caseId, obligationId: 'obligation_1', kind: 'role.revoke', how });
/** The question: it is due. */
export const asked = (at = 67, cause: EventData<'readmit.revocation.due'>['cause'] = 'expiry', id = 'event_due'): Fact =>
  said('readmit.revocation.due', at, { caseId, obligationId: 'obligation_1', cause }, id);
/** Execution's answer to the question. */
export const confirmed = (
  at: number,
  how: Exclude<How, 'taken-over'> = 'undone',
  obligationId = 'obligation_1',
  answers = 'event_due',
): Fact => said('readmit.revocation.confirmed', at, { caseId, obligationId, how, readBack: [], sessionsEnded: 0, answers });
export const logged = (facts: readonly Fact[]): LoggedFact[] => facts.map((fact, index) => ({ index, fact }));
export const found = (facts: readonly Fact[], at = 30): readonly Finding[] =>
  judgeCase(caseId, logged(facts), new Date(seconds(at)), judge);
export const replaced = (fact: Fact): Fact[] => genuine.map((old) => (old.type === fact.type ? fact : old));
export const without = (type: EventType): Fact[] => genuine.filter((fact) => fact.type !== type);
