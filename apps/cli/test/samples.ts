import type { ApprovalView, CaseView, InboxItem, Plan } from '@readmit/contracts';
import type { Static } from 'typebox';
import { digestOf } from '../src/keys.js';

const hex = (digit: string): string => digit.repeat(64);
export const caseOfAda: Static<typeof CaseView> = {
  caseId: 'case_1',
  version: 3,
  state: 'awaiting-approval',
  outcome: null,
  class: 'mfa-recovery',
  tier: 'agent-assisted',
  subject: { kind: 'person', id: 'ada' },
  requester: { kind: 'anonymous' },
  asks: [{ id: 'ask_1', kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' }],
  reasonCode: 'lost-device',
  reason: 'phone stolen',
  openedAt: '2026-11-22T09:50:00.000Z',
  endsAt: null,
  closedAt: null,
  why: [{ rule: 'R2.1', says: 'a lost factor' }],
  openObligations: 1,
};
/** The command line that asks for it. */
export const askAda: readonly string[] = [
  ...['case', 'open', '--subject', 'ada', '--ask', 'factor.bypass=demo-idp/ada'],
  ...['--reason-code', 'lost-device', '--reason', 'phone stolen', '--for', '15m'],
];
/** By somebody without a sign-in, who says so. */
export const openAda: readonly string[] = [...askAda, '--anonymous'];
export const plan: Static<typeof Plan> = {
  caseId: 'case_1',
  class: 'mfa-recovery',
  asks: caseOfAda.asks,
  steps: [
    {
      id: 'step_1',
      askId: 'ask_1',
      kind: 'bypass.issue',
      connector: 'demo-idp',
      object: 'ada',
      recipients: [hex('c')],
      says: 'issue a one-time bypass',
    },
  ],
  removes: ['totp on the stolen phone'],
  restores: ['sign-in for ada, once'],
  untouched: ['passkey on the laptop'],
  obligations: [
    {
      id: 'undo_1',
      kind: 'bypass.close',
      connector: 'demo-idp',
      object: 'ada',
      armedBy: 'start',
      unlessTakenOver: false,
      afterSeconds: 900,
      says: 'close the bypass',
    },
  ],
  recipients: [{ id: 'ada', fingerprint: hex('c') }],
  durationSeconds: 900,
  before: { digest: hex('d'), facets: [] },
  classificationId: 'event_2',
};
const proof = {
  kind: 'call-back' as const,
  channel: 'phone' as const,
  assurance: 2,
  note: 'she read the code out',
  contact: hex('a'),
  code: '3fa9-01bc',
  by: 'boris',
  at: '2026-11-22T09:55:00.000Z',
  salt: 'salt',
};
const evidence = [{ id: 'evidence_1', digest: digestOf(proof), ...proof, staleAt: '2026-11-22T10:10:00.000Z' }];
const policy = { version: 'default-1', classes: {} };
export const approval: Static<typeof ApprovalView> = {
  version: 6,
  caseId: 'case_1',
  state: 'waiting-for-decisions',
  plan,
  planDigest: digestOf(plan),
  evidenceDigest: digestOf(evidence.map(({ id, digest }) => ({ id, digest }))),
  policyDigest: digestOf(policy),
  policy: { version: 'default-1', digest: digestOf(policy), document: policy },
  requester: { kind: 'anonymous', known: false },
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
  decideBefore: '2026-11-22T11:00:00.000Z',
  needs: {
    evidence: [{ need: { kind: 'call-back', assurance: 2, maxAgeSeconds: 900 }, met: true }],
    quorum: [{ part: { name: 'owner', teams: ['system-owner'], count: 1, authority: 1 }, by: [] }],
  },
  evidence,
  decisions: [],
};
/** The case as it waits for somebody on call. */
export const waiting: Static<typeof InboxItem> = {
  caseId: 'case_1',
  what: 'decision',
  class: 'mfa-recovery',
  tier: 'agent-assisted',
  subject: caseOfAda.subject,
  asks: caseOfAda.asks,
  since: '2026-11-22T09:55:00.000Z',
  until: '2026-11-22T11:00:00.000Z',
  teams: ['security-oncall'],
  parts: ['security'],
  needs: approval.needs,
  why: { rule: 'R4.3', says: 'You are in security-oncall, whose decision is still missing (security).' },
};
export const accepted = { caseId: 'case_1', link: '/api/intake/cases/case_1' };
export const parked = {
  id: '42',
  topic: 'readmit.intake.v1',
  partition: 0,
  offset: '7',
  key: 'case_1',
  eventId: 'e',
  type: 'readmit.case.opened',
  reason: 'schema-violation',
  says: '/asks is missing',
  parkedAt: '2026-11-22T09:00:00.000Z',
  state: 'parked' as const,
};
