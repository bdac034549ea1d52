/** The case of the examples in the OpenAPI document. */

export const caseId = 'case_01935d2e-8c40-7a51-9f3e-2b6c8d0e4f12';
export const fingerprint = '3be8e3537b0b10906273348f4d1d8b12051bcb01d8920c70de327ddbb0c7b8f8';
export const contact = '8a7b6c5d4e3f20112233445566778899aabbccddeeff00112233445566778899';
export const planDigest = '46f2d558334553c2aaf3a0cee11ae3ed7a037827be349e9ca38727a161219dae';
export const evidenceDigest = '210918b3a58e869045ecbed27f790d4a0ce0ae506a7da187465481ec211c8be9';
export const policyDigest = '65470805efe1f425d26d6fab8c1e656e96a230b1796451adb4718b45df44eb5b';
export const nonce = 'nonce_01935d2e-9b53-72e1-98e3-3c600bcef858';
export const decisionId = 'decision_01935d2e-9c41-73ea-90bf-827589c17c7e';
export const ciphertextDigest = '14a4428e825c0b248e425c65c3609875fb7ad2c50b53e1df33510052d02febdc';

export const subject = { kind: 'person', id: 'ada' };
export const requested = { kind: 'factor.reset', connector: 'demo-idp', object: 'ada' };
export const asks = [{ id: 'ask-1', ...requested }];
/** As signed by the approver. */
export const decision = {
  statement: {
    v: 1,
    caseId,
    planDigest,
    evidenceDigest,
    policyDigest,
    decision: 'approve',
    approver: 'chidi',
    decidedAt: '2026-11-22T10:09:30.000Z',
    nonce,
    reason: 'Plan and proofs checked.',
  },
  proof: {
    type: 'software-key',
    kid: 'chidi-1',
    signature: 't_j9s0YxAVZriTFVRhXFu02IwMFB2SvwgSKgK8w_J2MRPHEI0-z_ZMJGTwuf9f7e4-lJeyMfVKoxbDL1o5IVAA',
  },
};

export const link = (area: string): string => `https://readmit.example.com/api/${area}/cases/${caseId}`;
export const granted = {
  caseId,
  version: 16,
  state: 'granted',
  outcome: null,
  class: 'mfa-recovery',
  tier: 'agent-assisted',
  subject,
  requester: { kind: 'anonymous' },
  asks,
  reasonCode: 'lost-device',
  openedAt: '2026-11-22T10:00:00.321Z',
  endsAt: '2026-11-22T11:09:31.714Z',
  closedAt: null,
  why: [
    { rule: 'R1.3', says: 'factor.reset gives a person a way to sign in again and nothing more: MFA recovery.' },
    { rule: 'R4.1', says: 'Tier agent-assisted: policy default-2, class mfa-recovery.' },
  ],
  openObligations: 1,
};
export const bypassClose = {
  id: `${caseId}/obligation-1`,
  kind: 'bypass.close',
  connector: 'demo-idp',
  object: 'ada',
  armedBy: 'start',
  unlessTakenOver: false,
  afterSeconds: 3600,
  says: 'Void the bypass of ada and end the session that it opened, after 60 min at the latest.',
  identity: [{ name: 'account', value: 'ada' }],
};
export const enrolmentWithdraw = {
  id: `${caseId}/obligation-2`,
  kind: 'enrolment.withdraw',
  connector: 'demo-idp',
  object: 'ada',
  armedBy: 'repudiation',
  unlessTakenOver: false,
  afterSeconds: 0,
  says: 'If this is repudiated, frozen or contained, at any time: remove every factor that ada enrolled since this plan, and end every session.',
  identity: [{ name: 'account', value: 'ada' }],
};
export const plan = {
  caseId,
  class: 'mfa-recovery',
  asks,
  steps: [
    {
      id: 'step-1',
      askId: 'ask-1',
      kind: 'factor.remove',
      connector: 'demo-idp',
      object: 'ada',
      recipients: [],
      says: 'Remove totp factor totp-ada-1 of ada.',
      identity: [
        { name: 'account', value: 'ada' },
        { name: 'factor', value: 'totp-ada-1' },
      ],
      touches: ['demo-idp/ada/factors'],
    },
    {
      id: 'step-2',
      askId: 'ask-1',
      kind: 'sessions.end',
      connector: 'demo-idp',
      object: 'ada',
      recipients: [],
      says: 'End every session of ada that a factor opened.',
      identity: [{ name: 'account', value: 'ada' }],
      touches: [],
    },
    {
      id: 'step-3',
      askId: 'ask-1',
      kind: 'bypass.issue',
      connector: 'demo-idp',
      object: 'ada',
      recipients: [fingerprint],
      says: 'Issue a one-time bypass for ada, sealed to the key of the case: it opens a session that can only enrol a new factor.',
      identity: [{ name: 'account', value: 'ada' }],
      touches: ['demo-idp/ada/bypass'],
    },
  ],
  removes: ['totp factor totp-ada-1 of ada', 'open sessions of ada'],
  restores: ['the way for ada to enrol a new factor, once, with password and bypass'],
  untouched: [
    'the password of ada at demo-idp',
    'roles, teams and authority of ada',
    'every other account at demo-idp',
    'API tokens already issued: they live to their own end, at most one hour',
  ],
  obligations: [bypassClose, enrolmentWithdraw],
  recipients: [{ id: 'requester', fingerprint }],
  durationSeconds: 3600,
  before: {
    digest: 'bdf842787b149919ee77a380dc8d874cd5d64c19a92ad8c6616764e2803843c6',
    facets: [
      { name: 'demo-idp/ada/bypass', value: 'none' },
      { name: 'demo-idp/ada/factors', value: 'totp-ada-1' },
    ],
  },
  classificationId: '01935d2e-8c7b-7f12-a0b1-c2d3e4f50617',
};
export const parked = {
  id: 'parked_01935d2e-9fff-7474-a6ab-145c62e6b67f',
  topic: 'readmit.approval.v1',
  partition: 3,
  offset: '12',
  key: 'case_forged',
  eventId: '01935d2e-9fd8-7359-8176-6df21313b1ea',
  type: 'readmit.approval.withdrawn',
  reason: 'unknown-key',
  says: 'key f03e4d4cd1b38f05 is not in the key list of 2026-11-22T09:00:00.000Z; re-drive it once the list names the key',
  parkedAt: '2026-11-22T10:01:18.848Z',
  state: 'parked',
};
export const wholeMessage = {
  headers: { 'content-type': 'application/json', ce_id: '01935d2e-9fd8-7359-8176-6df21313b1ea', ce_type: 'readmit.approval.withdrawn' },
  bytes: 'eyJjYXNlSWQiOiJjYXNlX2ZvcmdlZCIsImJ5IjoibWFsbG9yeSJ9',
};

export const security = { name: 'security', count: 1, teams: ['security-oncall'], authority: 4 };
export const needs = {
  evidence: [
    { need: { kind: 'call-back', assurance: 2, maxAgeSeconds: 3600 }, met: true },
    { need: { kind: 'manager-vouch', assurance: 2, maxAgeSeconds: 14400 }, met: true },
  ],
  quorum: [{ part: security, by: [] }],
};
