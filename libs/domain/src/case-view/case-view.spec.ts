/** The page of a case at each point of its life, from the facts that intake has in the simulation. */
import type { Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { SimulatedServices, crypto } from '../../test/simulated-services.js';
import { Facts } from '../kernel/facts.js';
import type { IntakeFacts } from '../recovery-case/intake.facts.js';
import { caseView, shownToKey } from './case-view.js';

const services = new SimulatedServices();
const started = services.now;
const caseId = services.open([{ kind: 'factor.bypass', object: 'ada' }], { kind: 'person', id: 'ada' });
services.prove(caseId);
services.decide(caseId, 'chidi');
const all = services.facts('intake', caseId).all;
const fact = (type: Fact['type'], data: object): Fact =>
  ({ id: `event_${type}`, type, at: '2026-11-22T09:00:30.000Z', data: { caseId, ...data } }) as unknown as Fact;
/** As it was before the first fact of the type. */
const before = (type: Fact['type'], ...more: Fact[]): Facts => {
  const at = all.findIndex((one) => one.type === type);
  expect(at).toBeGreaterThan(0);
  return new Facts([...all.slice(0, at), ...more]);
};
const page = (facts: IntakeFacts, words?: object) => {
  const view = caseView(facts, started, crypto, words);
  if (!view) throw new Error('the facts do not say who asked');
  return view;
};
const open = (facts: Facts) => page(facts).openItems.map(({ what, who }) => [what, ...who]);

describe('the page of a case', () => {
  it('R7.1 says what is open, who must act and until when, as the case proceeds', () => {
    expect(open(before('readmit.case.classified'))).toEqual([['classification', 'classification']]);
    expect(open(before('readmit.plan.proposed')).map(([what]) => what)).toEqual(['plan', 'evidence', 'decision']);
    const proofs = page(before('readmit.evidence.added')).openItems;
    expect(proofs).toMatchObject([
      { what: 'evidence', who: ['help-desk'], says: 'a proof: call-back (substantial or higher), recorded by help-desk' },
      { what: 'decision', who: ['security-oncall'] },
    ]);
    const planned = new Facts(all).first('readmit.plan.proposed');
    expect(Date.parse(proofs[0]?.until ?? '')).toBeGreaterThan(Date.parse(planned?.at ?? ''));
    expect(open(before('readmit.decision.recorded'))).toEqual([['decision', 'security-oncall']]);
    const granted = page(before('readmit.execution.started'));
    expect(granted.openItems).toMatchObject([
      { what: 'execution', until: new Facts(all).first('readmit.approval.granted')?.data.goodUntil },
      { what: 'undo' },
    ]);
    expect(open(new Facts(all))).toEqual([['undo', 'execution']]);
    expect(page(new Facts(all)).openItems[0]?.until).not.toBeNull();
  });

  it('R7.1 says who approved it and what was given, and nothing of an end while there is none', () => {
    const { granted, ended, state } = page(new Facts(all));
    expect(granted[0]).toMatch(/^Approval granted by chidi for /);
    expect(granted).toHaveLength(2);
    expect([state, ended]).toEqual(['granted', []]);
    expect(page(before('readmit.approval.granted')).granted).toEqual([]);
  });

  it.each<[string, Fact['type'], object, string]>([
    ['withdrawn', 'readmit.approval.withdrawn', { by: 'ada' }, 'Request withdrawn by ada.'],
    ['expired', 'readmit.approval.expired', { expiredAt: '2026-11-22T10:00:00.000Z' }, 'Approval expired: it was not decided in time.'],
    ['failed', 'readmit.plan.refused', { rule: 'R2.2', reason: 'r', says: 'S.' }, 'Plan refused (R2.2 r): S.'],
    ['frozen', 'readmit.case.frozen', { by: 'ada', cause: 'repudiated' }, 'Case frozen: repudiated by ada.'],
    ['frozen', 'readmit.containment.ordered', { by: 'gita' }, 'Containment ordered by gita.'],
  ])('R7.1 of a case that is %s says so by %s, and that nothing is open', (outcome, type, data, sentence) => {
    const { ended, openItems, outcome: found } = page(before('readmit.approval.granted', fact(type, data)));
    expect([found, ended, openItems]).toEqual([outcome, [sentence], []]);
  });

  it('R7.1 says who denied it, with the reason for who may read words', () => {
    const yes = new Facts(all).first('readmit.decision.recorded')?.data.decision;
    const no = { ...yes, statement: { ...yes?.statement, decision: 'deny', reason: 'wrong person' } };
    const denied = before(
      'readmit.decision.recorded',
      fact('readmit.decision.recorded', { decision: no }),
      fact('readmit.approval.denied', { by: 'chidi', decisionId: 'd' }),
    );
    expect(page(denied, {}).ended).toEqual(['Request denied by chidi (software-key): wrong person.']);
    expect(page(denied).ended).toEqual(['Request denied by chidi (software-key).']);
    expect(page(before('readmit.approval.granted')).ended).toEqual([]);
  });

  it('R3.4 tells the holder of a key that nobody read back the same of everybody', () => {
    const byKey = (facts: Facts) => page(shownToKey(facts));
    const first = byKey(before('readmit.case.classified'));
    expect(byKey(before('readmit.plan.proposed'))).toEqual(first);
    expect(byKey(before('readmit.evidence.added', fact('readmit.plan.refused', { rule: 'R2.2', reason: 'r', says: 'S.' })))).toEqual(first);
  });
});
