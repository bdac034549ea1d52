/** Overlapping grants, and the answers to due obligations: who holds what, which case undoes it, and what is never undone. */
import { describe, expect, it } from '@jest/globals';
import { TargetError } from '@readmit/connectors';
import type { Plan, Undo } from '@readmit/contracts';
import { draft } from '@readmit/domain';
import { TestExecution, only } from './test-execution.js';

const hold = 'target/role.grant/erin/app_admin';
const undoOf = (caseId: string): string => `${caseId}/obligation-1/undo`;
const answers = (execution: TestExecution, caseId: string) =>
  execution.emittedOf('readmit.revocation.confirmed', caseId).map(({ how, heldBy }) => (heldBy ? `${how} by ${heldBy.caseId}` : how));
const undone = (execution: TestExecution) => execution.target.calls.filter((call) => call.startsWith('undo'));

/** Two cases that hold the role; the second was planned before the first was carried out. */
async function bothHold() {
  const execution = new TestExecution();
  const [first, second] = [execution.granted(), execution.granted()];
  await execution.restore(first);
  await execution.restore(second);
  return { execution, first, second };
}

describe('two grants of one role', () => {
  it('R6.5 both start although they were planned before either did; the end of one leaves what the other holds, and the last undoes it', async () => {
    const { execution, first, second } = await bothHold();
    expect(execution.emittedOf('readmit.execution.failed')).toEqual([]);
    expect(execution.emittedOf('readmit.execution.succeeded')).toHaveLength(2);
    execution.due(first);
    await execution.run(undoOf(first));
    expect(only(execution.emittedOf('readmit.revocation.confirmed', first))).toMatchObject({
      how: 'still-held',
      hold,
      heldBy: { caseId: second, obligationId: `${second}/obligation-1` },
    });
    expect(undone(execution)).toEqual([]);
    execution.due(second);
    await execution.run(undoOf(second));
    expect(answers(execution, second)).toEqual(['undone']);
    expect(undone(execution)).toEqual([`undo role.revoke ${second}`]);
  });

  it('R6.5 R2.5 the second is refused if somebody else changed the target too: only the exact value that the first case left is accepted', async () => {
    const execution = new TestExecution();
    const [first, second] = [execution.granted(), execution.granted()];
    await execution.restore(first);
    execution.target.state.set('role.restore:state', 'given, with the right to pass it on');
    await execution.restore(second);
    expect(only(execution.emittedOf('readmit.execution.failed', second))).toMatchObject({ effect: 'none', reason: 'target-changed' });
  });

  it('R2.5 the second is refused if the first was carried out before it was classified: its plan shows something else', async () => {
    const execution = new TestExecution();
    const first = execution.granted();
    await execution.restore(first);
    execution.wait(1);
    // In every plan here the role is lost.
    const second = execution.granted();
    await execution.restore(second);
    expect(only(execution.emittedOf('readmit.execution.failed', second))).toMatchObject({ effect: 'none', reason: 'target-changed' });
  });

  it('R6.5 one waits to start while the end of the other is due and not confirmed, and starts then', async () => {
    const execution = new TestExecution();
    const [first, second] = [execution.granted(), execution.granted()];
    await execution.restore(first);
    execution.due(first);
    expect(await execution.restore(second)).toBe('waits');
    expect(execution.emittedOf('readmit.execution.started', second)).toEqual([]);
    await execution.run(undoOf(first));
    expect(answers(execution, first)).toEqual(['undone']);
    expect(await execution.run(`${second}/restore`)).toBe('done');
    expect(execution.emittedOf('readmit.execution.succeeded', second)).toHaveLength(1);
  });

  it('R6.5 a case that released its hold is undone again if due again, and others wait for that', async () => {
    const { execution, first, second } = await bothHold();
    for (const caseId of [first, second]) {
      execution.due(caseId);
      await execution.run(undoOf(caseId));
    }
    execution.wait(1);
    const again = execution.due(first, 1, { cause: 'containment' });
    const third = execution.granted();
    expect(await execution.restore(third)).toBe('waits');
    await execution.run(`${undoOf(first)}/${again.id}`);
    expect(answers(execution, first)).toEqual([`still-held by ${second}`, 'undone']);
    expect(await execution.run(`${third}/restore`)).toBe('done');
    expect(execution.emittedOf('readmit.execution.succeeded', third)).toHaveLength(1);
  });

  it('R6.2 R6.5 a case whose start names the hold but no obligation for it holds nothing', async () => {
    const { execution, first, second } = await bothHold();
    execution.change(`hold:${hold}`, (facts) =>
      facts.map((fact) =>
        fact.type === 'readmit.execution.started' && fact.data.caseId === second ? { ...fact, data: { ...fact.data, held: [] } } : fact,
      ),
    );
    execution.due(first);
    await execution.run(undoOf(first));
    expect(answers(execution, first)).toEqual(['undone']);
  });

  it('R6.5 a closed case holds nothing, even if it never confirmed an undo', async () => {
    const { execution, first, second } = await bothHold();
    execution.receive(draft('readmit.case.closed', second, { caseId: second, outcome: 'completed' }));
    execution.due(first);
    await execution.run(undoOf(first));
    expect(answers(execution, first)).toEqual(['undone']);
  });
});

describe('a case that failed before its first step', () => {
  /** The second starts, finds the target changed and does nothing. */
  async function secondFails(before: (execution: TestExecution, first: string, second: string) => Promise<void> = async () => undefined) {
    const execution = new TestExecution();
    const [first, second] = [execution.granted(), execution.granted()];
    await execution.restore(first);
    execution.target.state.set('role.restore:state', 'changed by somebody');
    const target = execution.target.before;
    execution.target.before = () => {
      throw new TargetError('away', 'none', 'unreachable');
    };
    expect(await execution.restore(second)).toBe('again');
    execution.target.before = target;
    await before(execution, first, second);
    await execution.run(`${second}/restore`);
    expect(only(execution.emittedOf('readmit.execution.failed', second)).effect).toBe('none');
    return { execution, first, second };
  }

  it('R6.5 undoes nothing and releases its hold, so that others can end', async () => {
    const { execution, first, second } = await secondFails();
    execution.due(first);
    await execution.run(undoOf(first));
    expect(answers(execution, first)).toEqual(['undone']);
    const due = execution.due(second, 1, { cause: 'execution-failed' });
    await execution.run(undoOf(second));
    expect(only(execution.emittedOf('readmit.revocation.confirmed', second))).toMatchObject({
      how: 'never-began',
      hold,
      answers: due.id,
      sessionsEnded: 0,
    });
    expect(undone(execution)).toEqual([`undo role.revoke ${first}`]);
  });

  it('R6.5 does not leave the undo to a case that failed after its start', async () => {
    const execution = new TestExecution();
    const [first, second] = [execution.granted(), execution.granted()];
    await execution.restore(first);
    execution.target.before = (call) => {
      if (call.startsWith('execute')) throw new TargetError('refused', 'unknown', 'refused');
    };
    await execution.restore(second);
    expect(only(execution.emittedOf('readmit.execution.failed', second)).effect).toBe('unknown');
    execution.target.before = () => undefined;
    execution.due(first);
    await execution.run(undoOf(first));
    expect(answers(execution, first)).toEqual(['undone']);
  });

  it('R6.2 R6.5 undoes what another case left to it while it was about to start', async () => {
    const { execution, second } = await secondFails(async (execution, first, second) => {
      execution.due(first);
      await execution.run(undoOf(first));
      expect(answers(execution, first)).toEqual([`still-held by ${second}`]);
    });
    expect(undone(execution)).toEqual([]);
    execution.due(second, 1, { cause: 'execution-failed' });
    await execution.run(undoOf(second));
    expect(answers(execution, second)).toEqual(['undone']);
    expect(undone(execution)).toEqual([`undo role.revoke ${second}`]);
  });
});

describe('the account of a machine', () => {
  it('R6.5 R2.5 is held by one case: a second one is refused before its start, and its failure destroys nothing', async () => {
    const execution = new TestExecution();
    const [first, second] = [execution.granted('secret.reissue'), execution.granted('secret.reissue')];
    await execution.restore(first);
    expect(execution.emittedOf('readmit.execution.succeeded', first)).toHaveLength(1);
    await execution.restore(second);
    expect(only(execution.emittedOf('readmit.execution.failed', second))).toMatchObject({
      effect: 'none',
      rule: 'R6.5',
      reason: 'account-busy',
    });
    execution.due(second, 1, { cause: 'execution-failed' });
    expect(answers(execution, second)).toEqual(['never-began']);
    expect(undone(execution)).toEqual([]);
  });

  it('R6.5 is free again when the first case has ended', async () => {
    const execution = new TestExecution();
    const [first, second] = [execution.granted('secret.reissue'), execution.granted('secret.reissue')];
    await execution.restore(first);
    for (const obligation of [1, 2]) {
      execution.due(first, obligation);
      expect(await execution.run(`${first}/obligation-${obligation}/undo`)).toBe('done');
    }
    expect(answers(execution, first)).toEqual(['undone', 'undone']);
    await execution.restore(second);
    expect(execution.emittedOf('readmit.execution.started', second)).toHaveLength(1);
  });

  it('R6.5 R2.2 gets no second plan while a case holds it; the control gets one', async () => {
    const execution = new TestExecution();
    const first = execution.granted('secret.reissue');
    const second = execution.proposed('secret.reissue');
    const facts = execution.services.facts('execution', second).all.filter((fact) => fact.type !== 'readmit.plan.proposed');
    execution.change(second, () => facts);
    const ask = () => {
      execution.receive({
        type: 'readmit.case.opened',
        key: second,
        data: facts.find(({ type }) => type === 'readmit.case.opened')?.data,
      } as never);
      execution.change(second, () => facts);
    };
    ask();
    expect(execution.begin(`${second}/plan`)).toMatchObject({ go: true });
    await execution.restore(first);
    expect(execution.begin(`${second}/plan`)).toMatchObject({
      go: false,
      emit: [{ type: 'readmit.plan.refused', data: { rule: 'R6.5', reason: 'account-busy' } }],
    });
    execution.receive(draft('readmit.case.closed', first, { caseId: first, outcome: 'completed' }));
    expect(execution.begin(`${second}/plan`)).toMatchObject({ go: true });
  });

  it('R6.5 keeps its old login if the new one was never created, whatever the cause of the due obligation', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted('secret.reissue');
    execution.target.before = (call) => {
      if (call.startsWith('execute')) throw new TargetError('refused', 'none', 'refused');
    };
    await execution.restore(caseId);
    execution.target.before = () => undefined;
    for (const obligation of [1, 2]) {
      execution.due(caseId, obligation, { cause: 'containment' });
      await execution.run(`${caseId}/obligation-${obligation}/undo`);
    }
    expect(answers(execution, caseId)).toEqual(['undone', 'never-began']);
  });
});

describe('an answer', () => {
  it('R6.3 names the question that it answers, and the target is read again for each question', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    await execution.restore(caseId);
    const questions = [execution.due(caseId)];
    await execution.run(undoOf(caseId));
    execution.wait(1);
    questions.push(execution.due(caseId, 1, { cause: 'containment' }));
    await execution.run(`${undoOf(caseId)}/${questions[1]?.id ?? ''}`);
    expect(execution.emittedOf('readmit.revocation.confirmed').map((answer) => answer.answers)).toEqual(questions.map(({ id }) => id));
    expect(undone(execution)).toHaveLength(2);
  });

  it('R6.3 to a question does not use what was read for an earlier one', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    await execution.restore(caseId);
    execution.due(caseId);
    let later: { readonly id: string } | undefined;
    execution.target.before = (call) => {
      if (!call.startsWith('undo') || later) return;
      execution.wait(1);
      later = execution.due(caseId, 1, { cause: 'frozen' });
    };
    await execution.run(undoOf(caseId));
    expect(execution.emittedOf('readmit.revocation.confirmed')).toEqual([]);
    await execution.run(`${undoOf(caseId)}/${later?.id ?? ''}`);
    expect(only(execution.emittedOf('readmit.revocation.confirmed'))).toMatchObject({ answers: later?.id, how: 'undone' });
  });

  it('R6.3 also undoes after the case was closed, with what its step created', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    await execution.restore(caseId);
    execution.receive(draft('readmit.case.closed', caseId, { caseId, outcome: 'completed' }));
    execution.due(caseId, 1, { cause: 'containment' });
    await execution.run(undoOf(caseId));
    expect(answers(execution, caseId)).toEqual(['undone']);
    expect(execution.target.madeInUndo).toEqual([[{ name: 'membership', value: `of ${caseId}` }]]);
  });

  it('R6.3 is retried until the target shows it', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    await execution.restore(caseId);
    execution.due(caseId);
    execution.target.before = () => {
      throw new TargetError('away', 'none', 'unreachable');
    };
    expect(await execution.run(undoOf(caseId))).toBe('again');
    expect(only(execution.emittedOf('readmit.revocation.failed'))).toMatchObject({ tries: 1, reason: 'away' });
    execution.target.before = () => undefined;
    expect(await execution.run(undoOf(caseId))).toBe('done');
    expect(answers(execution, caseId)).toEqual(['undone']);
  });

  it('R8.1 fits into an event, however much the target shows', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    await execution.restore(caseId);
    execution.due(caseId);
    execution.target.undo = async () => ({
      readBack: Array.from({ length: 300 }, () => ({ name: 'n'.repeat(700), value: 'v'.repeat(3000) })),
      sessionsEnded: 0,
    });
    await execution.run(undoOf(caseId));
    const { readBack } = only(execution.emittedOf('readmit.revocation.confirmed'));
    expect([readBack.length, readBack[0]?.name.length, readBack[0]?.value.length]).toEqual([200, 600, 2000]);
  });
});

describe('an enrolment', () => {
  const withdraw = (caseId: string): Undo => ({
    id: `${caseId}/obligation-9`,
    kind: 'enrolment.withdraw',
    connector: 'target',
    object: 'erin',
    armedBy: 'repudiation',
    unlessTakenOver: false,
    afterSeconds: 0,
    says: 'withdraw',
  });
  const withPlan = (execution: TestExecution, caseId: string): void => {
    execution.change(caseId, (facts) =>
      facts.map((fact) => {
        if (fact.type !== 'readmit.plan.proposed') return fact;
        const plan: Plan = { ...fact.data.plan, obligations: [...fact.data.plan.obligations, withdraw(caseId)] };
        return { ...fact, data: { ...fact.data, plan } };
      }),
    );
  };
  const asked = (execution: TestExecution, caseId: string) =>
    execution.receive(draft('readmit.revocation.due', caseId, { caseId, obligationId: `${caseId}/obligation-9`, cause: 'frozen' }));

  it('R5.4 R6.4 is withdrawn if the case is repudiated after its end, and nothing is if it never started', async () => {
    const execution = new TestExecution();
    const caseId = execution.granted();
    await execution.restore(caseId);
    execution.due(caseId);
    await execution.run(undoOf(caseId));
    execution.receive(draft('readmit.case.closed', caseId, { caseId, outcome: 'completed' }));
    withPlan(execution, caseId);
    asked(execution, caseId);
    await execution.run(`${caseId}/obligation-9/undo`);
    expect(undone(execution)).toContain(`undo enrolment.withdraw ${caseId}`);

    const control = new TestExecution();
    const never = control.granted();
    withPlan(control, never);
    asked(control, never);
    expect(only(control.emittedOf('readmit.revocation.confirmed', never))).toMatchObject({ how: 'never-began' });
    expect(control.target.calls).toEqual([]);
  });
});
