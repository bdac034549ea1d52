/** One genuine case, then the same with one thing changed at a time: the genuine one is the control of every refusal. */
import { describe, expect, it } from '@jest/globals';
import type { EventData, Fact } from '@readmit/contracts';
import {
  asked,
  attested,
  attestedPeople,
  caseId,
  confirmed,
  crypto,
  decision,
  discharged,
  found,
  genuine,
  grant,
  judge,
  plan,
  replaced,
  said,
  without,
  zero,
} from '../../test/genuine-case.js';
import { CaseWatch } from './case-watch.js';
import type { Finding } from './finding.js';

describe('the rules of a case, by its log alone', () => {
  it('R7.3 a genuine case has no finding, under way or ended', () => {
    expect(found(genuine)).toEqual([]);
    expect(found([...genuine, asked(), confirmed(70), discharged(70)], 10_000)).toEqual([]);
  });

  it.each(['readmit.case.classified', 'readmit.people.attested', 'readmit.plan.proposed', 'readmit.approval.granted'] as const)(
    'R7.3 finds an execution that started without %s in the log',
    (type) => {
      expect(found(without(type))).toMatchObject([
        { rule: 'started-before-record', why: `Execution started although ${type} was not in the log yet.` },
      ]);
    },
  );

  it.each(['readmit.case.classified', 'readmit.people.attested', 'readmit.plan.proposed', 'readmit.approval.granted'] as const)(
    'R7.3 finds that %s came into the log after the execution',
    (type) => {
      expect(found([...without(type), ...genuine.filter((fact) => fact.type === type)]).map(({ rule }) => rule)).toContain(
        'started-before-record',
      );
    },
  );

  it('R6.1 finds an obligation that was recorded after the start, or never', () => {
    const obligation = genuine.filter((fact) => fact.type === 'readmit.obligation.recorded');
    expect(found([...without('readmit.obligation.recorded'), ...obligation])).toMatchObject([{ rule: 'obligation-after-start', index: 6 }]);
    expect(found(without('readmit.obligation.recorded'))).toMatchObject([{ rule: 'obligation-missing', index: 6 }]);
  });

  it('R6.1 finds a grant that dropped an obligation of its plan', () => {
    expect(found(replaced(grant({ obligations: [] })))).toMatchObject([
      { rule: 'obligation-missing', why: expect.stringContaining('has other obligations than its plan') },
    ]);
  });

  it.each([
    ['R4.3 quorum-not-met', [decision('chidi')]],
    ['R4.4 plan-changed', [decision('chidi'), decision('dana', { planDigest: zero })]],
    ['R4.4 evidence-changed', [decision('chidi'), decision('dana', { evidenceDigest: zero })]],
    [
      'R4.4 decision-signature-invalid',
      [
        decision('chidi'),
        {
          ...decision('dana'),
          proof:
            decision('chidi').proof.kid === ''
              ? decision('dana').proof
              : { ...decision('dana').proof, signature: decision('chidi').proof.signature },
        },
      ],
    ],
    ['R4.2 approver-is-verifier', [decision('chidi'), decision('boris')]],
  ] as const)('%s: finds decisions that do not grant', (reason, decisions) => {
    expect(found(replaced(grant({ decisions: [...decisions] })))).toMatchObject([
      { rule: 'decisions-invalid', index: 5, why: expect.stringContaining(reason) },
    ]);
  });

  it('R4.2 finds that an approver is the requester under another account', () => {
    const people = attestedPeople.map((one) => (one.id === 'dana' ? { ...one, human: 'erin' } : one));
    expect(found(replaced(attested(people)))).toMatchObject([
      { rule: 'decisions-invalid', why: expect.stringContaining('R4.2 approver-is-requester') },
    ]);
  });

  it('R4.4 finds another plan than the one that was granted, and proofs that the log does not have', () => {
    const changed = { ...plan, durationSeconds: 61 };
    expect(
      found(replaced(said('readmit.plan.proposed', 2, { caseId, planId: 'plan_1', plan: changed, digest: crypto.digest(plan) }))),
    ).toMatchObject([{ rule: 'plan-not-approved', index: 3 }]);
    expect(found(without('readmit.evidence.added')).map(({ rule }) => rule)).toEqual(['evidence-differs']);
  });

  it('R6.3 finds an obligation that is open past its bound and grace, or was discharged after it', () => {
    expect(found(genuine, 960)).toEqual([]);
    expect(found(genuine, 961)).toMatchObject([{ rule: 'obligation-overdue', index: 6, why: expect.stringContaining('is still open') }]);
    expect(found([...genuine, asked(), confirmed(900), discharged(960)], 10_000)).toEqual([]);
    expect(found([...genuine, asked(), confirmed(900), discharged(961)], 10_000)).toMatchObject([
      { rule: 'obligation-overdue', why: expect.stringContaining('was discharged at') },
    ]);
  });

  it('finds a success without a start, and an event that is in the log twice', () => {
    expect(found(without('readmit.execution.started')).map(({ rule }) => rule)).toEqual(['ended-without-start']);
    expect(found([...genuine, ...genuine.slice(0, 1)])).toMatchObject([{ rule: 'event-repeated', index: 9 }]);
  });
});

describe('watching every case of a log', () => {
  it('judges each case once, when it is settled, and keeps none', () => {
    const findings: Finding[] = [];
    const watch = new CaseWatch(judge, (finding) => findings.push(finding));
    const closed = said('readmit.case.closed', 80, { caseId, outcome: 'completed' });
    [...genuine, asked(), closed, confirmed(70), discharged(70)].forEach((fact, index) => watch.add(index, fact));
    watch.add(1024, said('readmit.notice.sent', 10_000, { caseId, noticeId: 'notice_1', about: 'ended', channel: 'mail' }));
    watch.add(2048, said('readmit.case.opened', 10_001, { ...(genuine[0]?.data as EventData<'readmit.case.opened'>), caseId: 'case_2' }));
    expect(watch.count).toBe(1);
    watch.end();
    expect(watch.count).toBe(2);
    expect(findings).toEqual([]);
  });

  it('R6.3 R6.4 R6.6 believes a discharge by its proof only, and knows of a containment that came before the case', () => {
    const watched = (facts: readonly Fact[]): readonly string[] => {
      const findings: Finding[] = [];
      const watch = new CaseWatch(judge, (finding) => findings.push(finding));
      facts.forEach((fact, index) => watch.add(index, fact));
      watch.end();
      expect(watch.count).toBe(1);
      return findings.map(({ rule }) => rule);
    };
    const later = said('readmit.notice.sent', 200, { caseId, noticeId: 'notice_1', about: 'ended', channel: 'mail' });
    expect(watched([...genuine, asked(), discharged(70), confirmed(69), later])).toEqual([]);
    expect(watched([...genuine, discharged(70), later])).toEqual(['discharge-unproved']);
    const contained = said('readmit.containment.ordered', -60, { caseId, by: 'olga' });
    expect(watched([contained, ...genuine])).toEqual(['started-after-stop']);
  });
});
