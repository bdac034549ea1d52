/**
 * Examples for the OpenAPI document: what is sent (a test plays each against the running demo, with the ids of a real case) and what comes
 * back. Those of a case belong together: every digest and signature is that of what stands beside it, made with the keys of RFC 8037, whose
 * private halves everybody has. Those of the log show its form alone. Operations that every service has stand here once, under `any`.
 */
import type { Json } from '../json-schema.js';

const caseId = 'case_01935d2e-8c40-7a51-9f3e-2b6c8d0e4f12';
const fingerprint = '3be8e3537b0b10906273348f4d1d8b12051bcb01d8920c70de327ddbb0c7b8f8';
const contact = '8a7b6c5d4e3f20112233445566778899aabbccddeeff00112233445566778899';
const planDigest = '46f2d558334553c2aaf3a0cee11ae3ed7a037827be349e9ca38727a161219dae';
const evidenceDigest = '210918b3a58e869045ecbed27f790d4a0ce0ae506a7da187465481ec211c8be9';
const policyDigest = '65470805efe1f425d26d6fab8c1e656e96a230b1796451adb4718b45df44eb5b';
const nonce = 'nonce_01935d2e-9b53-72e1-98e3-3c600bcef858';
const decisionId = 'decision_01935d2e-9c41-73ea-90bf-827589c17c7e';
const ciphertextDigest = '14a4428e825c0b248e425c65c3609875fb7ad2c50b53e1df33510052d02febdc';

const subject = { kind: 'person', id: 'ada' };
const asked = { kind: 'factor.reset', connector: 'demo-idp', object: 'ada' };
const asks = [{ id: 'ask-1', ...asked }];
/** As its approver signed it. */
const decision = {
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

export const requests: Readonly<Record<string, Json>> = {
  openCase: {
    asks: [asked],
    subject,
    reasonCode: 'lost-device',
    reason: 'My phone was stolen on the train.',
    durationSeconds: 3600,
    caseKey: {
      signing: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
      sealing: { kty: 'OKP', crv: 'X25519', x: '3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08' },
      fingerprint,
    },
  },
  repudiate: { reason: 'This was not me.' },
  publishSignal: {
    specversion: '1.0',
    id: 'lockout-1',
    source: 'https://sso.example.com/realms/acme',
    type: 'readmit.idp.account-locked',
    time: '2026-11-22T10:00:00.000Z',
    subject: 'ada',
  },
  addEvidence: {
    kind: 'call-back',
    channel: 'phone',
    assurance: 2,
    note: 'Called the number on record; the code was read out.',
    code: '27be-314a',
    contact,
  },
  decide: decision,
  showContact: { digest: contact },
  acknowledgeSecret: { ciphertextDigest },
  endEarly: { reason: 'Done earlier than planned.' },
  contain: { reason: 'The laptop of the requester is compromised.' },
  anySettleParked: { action: 'discard' },
};

const link = (area: string): string => `https://readmit.example.com/api/${area}/cases/${caseId}`;
const granted = {
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
const bypassClose = {
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
const enrolmentWithdraw = {
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
const plan = {
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
const parked = {
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
const wholeMessage = {
  headers: { 'content-type': 'application/json', ce_id: '01935d2e-9fd8-7359-8176-6df21313b1ea', ce_type: 'readmit.approval.withdrawn' },
  bytes: 'eyJjYXNlSWQiOiJjYXNlX2ZvcmdlZCIsImJ5IjoibWFsbG9yeSJ9',
};

const security = { name: 'security', count: 1, teams: ['security-oncall'], authority: 4 };
const needs = {
  evidence: [
    { need: { kind: 'call-back', assurance: 2, maxAgeSeconds: 3600 }, met: true },
    { need: { kind: 'manager-vouch', assurance: 2, maxAgeSeconds: 14400 }, met: true },
  ],
  quorum: [{ part: security, by: [] }],
};

export const answers: Readonly<Record<string, Json>> = {
  signInWith: { issuer: 'https://sso.example.com/realms/acme', audience: 'readmit-api' },
  openCase: { caseId, link: link('intake') },
  listCases: [granted],
  showCase: { ...granted, codeNonce: 'nonce_Y19eM2mleFvmW0_7PedgDw' },
  caseTimeline: [
    {
      at: '2026-11-22T10:00:00.321Z',
      id: '01935d2e-8c40-71fb-9b36-a6d6365effc7',
      type: 'readmit.case.opened',
      label: 'case opened',
      by: 'intake',
      actor: 'anonymous',
      says: 'Case opened by anonymous for ada: factor.reset for ada at demo-idp (lost-device).',
    },
    {
      at: '2026-11-22T10:00:01.371Z',
      id: '01935d2e-8c41-71fb-9b36-a6d6365effc7',
      type: 'readmit.notice.sent',
      label: 'notice sent',
      by: 'intake',
      says: 'Notice "opened" sent to ada at 2 addresses through demo-mailbox.',
    },
    {
      at: '2026-11-22T10:00:02.421Z',
      id: '01935d2e-8c42-71fb-9b36-a6d6365effc7',
      type: 'readmit.case.classified',
      label: 'classified',
      by: 'classification',
      says: 'Case classified as mfa-recovery, agent-assisted, by policy default-2: R1.3 factor.reset gives a person a way to sign in again and nothing more: MFA recovery.',
    },
  ],
  repudiate: { caseId, link: link('intake') },
  publishSignal: { signalId: 'demo-idp:0ecdfdf16e7181b0712a5a062ce502d6', repeated: false },
  inbox: {
    items: [
      {
        caseId,
        what: 'decision',
        class: 'mfa-recovery',
        tier: 'agent-assisted',
        subject,
        asks,
        since: '2026-11-22T10:06:40.501Z',
        until: '2026-11-22T14:00:01.987Z',
        teams: ['security-oncall'],
        parts: ['security'],
        needs,
        why: { rule: 'R4.3', says: 'You are in security-oncall, whose decision is still missing (security).' },
      },
    ],
    next: null,
  },
  showApproval: {
    caseId,
    version: 9,
    state: 'granted',
    plan,
    planDigest,
    evidenceDigest,
    policyDigest,
    policy: {
      version: 'default-2',
      digest: policyDigest,
      document: {
        version: 'default-2',
        classes: {
          'mfa-recovery': {
            tier: 'agent-assisted',
            evidence: [
              { kind: 'call-back', assurance: 2, maxAgeSeconds: 3600 },
              { kind: 'manager-vouch', assurance: 2, maxAgeSeconds: 14400 },
            ],
            verifiers: ['help-desk'],
            quorum: [security],
            ticket: false,
            maxDurationSeconds: 3600,
            decideWithinSeconds: 14400,
            executeWithinSeconds: 900,
            overlapSeconds: 0,
          },
        },
        privilegedSubject: { tier: 'two-person', quorum: [security] },
        directoryMaxAgeSeconds: 3600,
      },
    },
    requester: { kind: 'anonymous', known: false },
    nonce,
    decideBefore: null,
    needs: { ...needs, quorum: [{ part: security, by: ['chidi'] }] },
    evidence: [
      {
        id: 'evidence_01935d2e-9a11-71cf-9657-4e25bdc21193',
        digest: '6cc9f74902508c87a4746c4c188fd35021a4d9e20494025c41aba5df0caf3c7d',
        kind: 'call-back',
        channel: 'phone',
        assurance: 2,
        note: 'Called the number on record; the code was read out.',
        salt: 'cGgErjpIPvXujZ-Emu9QqA',
        contact,
        code: '27be-314a',
        by: 'boris',
        at: '2026-11-22T10:04:10.133Z',
        staleAt: '2026-11-22T11:04:10.133Z',
      },
      {
        id: 'evidence_01935d2e-9b52-7d3a-8c41-6f0a1b2c3d4e',
        digest: '9f83abb64025a9fa719719a611e9a74fc32e96a2563f7d0e2e727697a41ec18b',
        kind: 'manager-vouch',
        channel: 'directory',
        assurance: 2,
        note: 'The manager was asked in person.',
        salt: 'DP22cY7_EkGDlKDexCB48A',
        by: 'boris',
        at: '2026-11-22T10:06:40.224Z',
        staleAt: '2026-11-22T14:06:40.224Z',
      },
    ],
    decisions: [{ id: decisionId, ...decision }],
  },
  addEvidence: { caseId, evidenceId: 'evidence_01935d2e-9a11-71cf-9657-4e25bdc21193', link: link('approval') },
  decide: { caseId, decisionId, link: link('approval') },
  withdraw: { caseId, link: link('approval') },
  deskContact: [
    { kind: 'phone', value: '+44 ** **** **01', digest: contact },
    { kind: 'email', value: 'a***@example.test', digest: '19f0e1d2c3b4a5968778695a4b3c2d1e0f1e2d3c4b5a69788796a5b4c3d2e1f0' },
  ],
  showContact: { kind: 'phone', value: '+44 20 7946 0101', digest: contact },
  showPlan: {
    caseId,
    plan,
    planDigest,
    waitsFor: [],
    work: [
      {
        id: `${caseId}/plan`,
        kind: 'plan',
        state: 'done',
        tries: 1,
        notBefore: '2026-11-22T10:00:01.433Z',
      },
    ],
    after: [
      { name: 'demo-idp/ada/factors', value: 'none' },
      { name: 'demo-idp/ada/bypass', value: 'active' },
    ],
  },
  pickUpSecret: {
    caseId,
    jwe: 'eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSIsImtpZCI6IjNiZThlMzUzN2IwYjEwOTA2MjczMzQ4ZjRkMWQ4YjEyMDUxYmNiMDFkODkyMGM3MGRlMzI3ZGRiYjBjN2I4ZjgiLCJjdHkiOiJhcHBsaWNhdGlvbi9qc29uIiwiZXBrIjp7IngiOiIzY2drR09MZG5vRk52MEt1bE03cnp5NEFRRTd1OHFydnBEU2lzZzBjTzJRIiwiY3J2IjoiWDI1NTE5Iiwia3R5IjoiT0tQIn19..eQclriYf8lfZFp9f.hSU-M5ySmr3H_Moqvi4gHLr1eZktDXYBTR45NOQ6j08pl8U5G87c9JveMYhz4b15oENI5dfVoACvg96tS4IVgF9eYLEBgVnPRl8CJgC8UMblzh1T70l1QwVzL2ThSMad6irKOMxbgzU0nzN2_ge5qvEDs6zKFKgmPm_1.lEsphBLfTTGUc54DGO7VvQ',
    ciphertextDigest,
  },
  acknowledgeSecret: { caseId, acknowledged: true },
  showObligations: [
    {
      obligationId: bypassClose.id,
      undo: bypassClose,
      dueAt: '2026-11-22T11:09:31.714Z',
      state: 'armed',
      how: null,
      ifEnded: 'falls',
      ifContained: 'falls',
      dues: [],
    },
    {
      obligationId: enrolmentWithdraw.id,
      undo: enrolmentWithdraw,
      dueAt: null,
      state: 'recorded',
      how: null,
      ifEnded: 'stays',
      ifContained: 'falls',
      dues: [],
    },
  ],
  listOverdue: [
    {
      caseId,
      obligationId: bypassClose.id,
      dueSince: '2026-11-22T11:09:31.714Z',
    },
  ],
  showOrders: [{ at: '2026-11-22T10:40:00.000Z', by: 'case-key', order: 'end' }],
  endEarly: { caseId, link: link('revocation') },
  contain: {
    caseId,
    link: link('revocation'),
    will: ['Let nothing begin for the case any more.', bypassClose.says],
  },
  checkpoint: {
    size: 61,
    note: 'readmit.example/log/standalone\n61\nWcL8wfRumWn/bNtNdkxQJrzWlYlrD3flS+SjlojGDAc=\n\n— readmit.example/log/standalone JWp+7UdEInvjbpJZVT2Rp/alLa60TQ3N9DEPcxPsOCHM2HD4raONCPsT0IGRJB4IG6CnV1eZAWAlSHxfL0qlgH3lkQE=\n',
  },
  anyListParked: [parked],
  anyShowParked: { ...parked, ...wholeMessage },
  anySettleParked: { ...parked, ...wholeMessage, state: 'discarded' },
  exportLog: `${JSON.stringify({
    format: 'readmit-log/1',
    origin: 'readmit.example/log/standalone',
    environment: 'standalone',
    keyList: 'eyJhbGciOiJFZERTQSJ9.e30.c2ln',
    logKey: 'readmit.example/log/standalone+256a7eed+AQ==',
  })}\n`,
};
