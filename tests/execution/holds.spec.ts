/** Grants that overlap, and the answers to what is due: who holds what, who takes it back, and what is never taken away. */
import { describe, expect, it } from '@jest/globals';
import { TargetError } from '@readmit/connectors';
import type { Plan, Undo } from '@readmit/contracts';
import { draft } from '@readmit/domain';
import { ExecutionRoom, only } from './execution-room.js';

const hold = 'target/role.grant/erin/app_admin';
const undoOf = (caseId: string): string => `${caseId}/obligation-1/undo`;
const answers = (room: ExecutionRoom, caseId: string) =>
  room.saidOf('readmit.revocation.confirmed', caseId).map(({ how, heldBy }) => (heldBy ? `${how} by ${heldBy.caseId}` : how));
const undone = (room: ExecutionRoom) => room.target.calls.filter((call) => call.startsWith('undo'));

/** Two cases that both hold the role; the second was planned before the first was carried out. */
async function bothHold() {
  const room = new ExecutionRoom();
  const [first, second] = [room.granted(), room.granted()];
  await room.restore(first);
  await room.restore(second);
  return { room, first, second };
}

describe('two grants of one role', () => {
  it('R6.5 both begin though they were planned before either did, and the end of one leaves what the other holds; the last takes it', async () => {
    const { room, first, second } = await bothHold();
    expect(room.saidOf('readmit.execution.failed')).toEqual([]);
    expect(room.saidOf('readmit.execution.succeeded')).toHaveLength(2);
    room.due(first);
    await room.run(undoOf(first));
    expect(only(room.saidOf('readmit.revocation.confirmed', first))).toMatchObject({
      how: 'still-held',
      hold,
      heldBy: { caseId: second, obligationId: `${second}/obligation-1` },
    });
    expect(undone(room)).toEqual([]);
    room.due(second);
    await room.run(undoOf(second));
    expect(answers(room, second)).toEqual(['undone']);
    expect(undone(room)).toEqual([`undo role.revoke ${second}`]);
  });

  it('R6.5 R2.5 is refused when somebody else changed the target too: only the one value that our own case left is explained', async () => {
    const room = new ExecutionRoom();
    const [first, second] = [room.granted(), room.granted()];
    await room.restore(first);
    room.target.shows.set('role.restore:state', 'given, with the right to pass it on');
    await room.restore(second);
    expect(only(room.saidOf('readmit.execution.failed', second))).toMatchObject({ effect: 'none', reason: 'target-changed' });
  });

  it('R2.5 is refused when our own case did it before this one was classified: its plan saw something else since', async () => {
    const room = new ExecutionRoom();
    const first = room.granted();
    await room.restore(first);
    room.wait(1);
    // Every plan of this room saw that the role was lost.
    const second = room.granted();
    await room.restore(second);
    expect(only(room.saidOf('readmit.execution.failed', second))).toMatchObject({ effect: 'none', reason: 'target-changed' });
  });

  it('R6.5 one waits to begin while the end of another is asked for and not answered, and begins then', async () => {
    const room = new ExecutionRoom();
    const [first, second] = [room.granted(), room.granted()];
    await room.restore(first);
    room.due(first);
    expect(await room.restore(second)).toBe('waits');
    expect(room.saidOf('readmit.execution.started', second)).toEqual([]);
    await room.run(undoOf(first));
    expect(answers(room, first)).toEqual(['undone']);
    expect(await room.run(`${second}/restore`)).toBe('done');
    expect(room.saidOf('readmit.execution.succeeded', second)).toHaveLength(1);
  });

  it('R6.5 what is asked for of a case that let go is read again, and waited for', async () => {
    const { room, first, second } = await bothHold();
    for (const caseId of [first, second]) {
      room.due(caseId);
      await room.run(undoOf(caseId));
    }
    room.wait(1);
    const again = room.due(first, 1, { cause: 'containment' });
    const third = room.granted();
    expect(await room.restore(third)).toBe('waits');
    await room.run(`${undoOf(first)}/${again.id}`);
    expect(answers(room, first)).toEqual([`still-held by ${second}`, 'undone']);
    expect(await room.run(`${third}/restore`)).toBe('done');
    expect(room.saidOf('readmit.execution.succeeded', third)).toHaveLength(1);
  });

  it('R6.2 R6.5 a case whose beginning names the hold and no obligation of it holds nothing', async () => {
    const { room, first, second } = await bothHold();
    room.change(`hold:${hold}`, (facts) =>
      facts.map((fact) =>
        fact.type === 'readmit.execution.started' && fact.data.caseId === second ? { ...fact, data: { ...fact.data, held: [] } } : fact,
      ),
    );
    room.due(first);
    await room.run(undoOf(first));
    expect(answers(room, first)).toEqual(['undone']);
  });

  it('R6.5 a case that is closed holds nothing, though it never said that it let go', async () => {
    const { room, first, second } = await bothHold();
    room.hear(draft('readmit.case.closed', second, { caseId: second, outcome: 'completed' }));
    room.due(first);
    await room.run(undoOf(first));
    expect(answers(room, first)).toEqual(['undone']);
  });
});

describe('a case that failed before its first step', () => {
  /** The second begins, finds the target changed and has done nothing. */
  async function secondFails(before: (room: ExecutionRoom, first: string, second: string) => Promise<void> = async () => undefined) {
    const room = new ExecutionRoom();
    const [first, second] = [room.granted(), room.granted()];
    await room.restore(first);
    room.target.shows.set('role.restore:state', 'changed by somebody');
    const target = room.target.before;
    room.target.before = () => {
      throw new TargetError('away', 'none', 'unreachable');
    };
    expect(await room.restore(second)).toBe('again');
    room.target.before = target;
    await before(room, first, second);
    await room.run(`${second}/restore`);
    expect(only(room.saidOf('readmit.execution.failed', second)).effect).toBe('none');
    return { room, first, second };
  }

  it('R6.5 undoes nothing and lets go, so it keeps nobody from ending', async () => {
    const { room, first, second } = await secondFails();
    room.due(first);
    await room.run(undoOf(first));
    expect(answers(room, first)).toEqual(['undone']);
    const due = room.due(second, 1, { cause: 'execution-failed' });
    await room.run(undoOf(second));
    expect(only(room.saidOf('readmit.revocation.confirmed', second))).toMatchObject({
      how: 'never-began',
      hold,
      answers: due.id,
      sessionsEnded: 0,
    });
    expect(undone(room)).toEqual([`undo role.revoke ${first}`]);
  });

  it('R6.5 leaves nothing to a case that failed after it began', async () => {
    const room = new ExecutionRoom();
    const [first, second] = [room.granted(), room.granted()];
    await room.restore(first);
    room.target.before = (call) => {
      if (call.startsWith('execute')) throw new TargetError('refused', 'unknown', 'refused');
    };
    await room.restore(second);
    expect(only(room.saidOf('readmit.execution.failed', second)).effect).toBe('unknown');
    room.target.before = () => undefined;
    room.due(first);
    await room.run(undoOf(first));
    expect(answers(room, first)).toEqual(['undone']);
  });

  it('R6.2 R6.5 takes back all the same what another left to it while it was about to begin', async () => {
    const { room, second } = await secondFails(async (room, first, second) => {
      room.due(first);
      await room.run(undoOf(first));
      expect(answers(room, first)).toEqual([`still-held by ${second}`]);
    });
    expect(undone(room)).toEqual([]);
    room.due(second, 1, { cause: 'execution-failed' });
    await room.run(undoOf(second));
    expect(answers(room, second)).toEqual(['undone']);
    expect(undone(room)).toEqual([`undo role.revoke ${second}`]);
  });
});

describe('the account of a machine', () => {
  it('R6.5 R2.5 is in the hands of one case: a second one is refused before it begins, and its failure destroys nothing', async () => {
    const room = new ExecutionRoom();
    const [first, second] = [room.granted('secret.reissue'), room.granted('secret.reissue')];
    await room.restore(first);
    expect(room.saidOf('readmit.execution.succeeded', first)).toHaveLength(1);
    await room.restore(second);
    expect(only(room.saidOf('readmit.execution.failed', second))).toMatchObject({ effect: 'none', rule: 'R6.5', reason: 'account-busy' });
    room.due(second, 1, { cause: 'execution-failed' });
    expect(answers(room, second)).toEqual(['never-began']);
    expect(undone(room)).toEqual([]);
  });

  it('R6.5 is free again when the first has ended', async () => {
    const room = new ExecutionRoom();
    const [first, second] = [room.granted('secret.reissue'), room.granted('secret.reissue')];
    await room.restore(first);
    for (const obligation of [1, 2]) {
      room.due(first, obligation);
      expect(await room.run(`${first}/obligation-${obligation}/undo`)).toBe('done');
    }
    expect(answers(room, first)).toEqual(['undone', 'undone']);
    await room.restore(second);
    expect(room.saidOf('readmit.execution.started', second)).toHaveLength(1);
  });

  it('R6.5 R2.2 gets no second plan while a case holds it; the control does', async () => {
    const room = new ExecutionRoom();
    const first = room.granted('secret.reissue');
    const second = room.proposed('secret.reissue');
    const facts = room.house.facts('execution', second).all.filter((fact) => fact.type !== 'readmit.plan.proposed');
    room.change(second, () => facts);
    const ask = () => {
      room.hear({
        type: 'readmit.case.opened',
        key: second,
        data: facts.find(({ type }) => type === 'readmit.case.opened')?.data,
      } as never);
      room.change(second, () => facts);
    };
    ask();
    expect(room.begin(`${second}/plan`)).toMatchObject({ go: true });
    await room.restore(first);
    expect(room.begin(`${second}/plan`)).toMatchObject({
      go: false,
      emit: [{ type: 'readmit.plan.refused', data: { rule: 'R6.5', reason: 'account-busy' } }],
    });
    room.hear(draft('readmit.case.closed', first, { caseId: first, outcome: 'completed' }));
    expect(room.begin(`${second}/plan`)).toMatchObject({ go: true });
  });

  it('R6.5 keeps its old login when the new one never came to be, whoever calls it due', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted('secret.reissue');
    room.target.before = (call) => {
      if (call.startsWith('execute')) throw new TargetError('refused', 'none', 'refused');
    };
    await room.restore(caseId);
    room.target.before = () => undefined;
    for (const obligation of [1, 2]) {
      room.due(caseId, obligation, { cause: 'containment' });
      await room.run(`${caseId}/obligation-${obligation}/undo`);
    }
    expect(answers(room, caseId)).toEqual(['undone', 'never-began']);
  });
});

describe('an answer', () => {
  it('R6.3 names the question that it answers, and each question is read at the target anew', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    await room.restore(caseId);
    const questions = [room.due(caseId)];
    await room.run(undoOf(caseId));
    room.wait(1);
    questions.push(room.due(caseId, 1, { cause: 'containment' }));
    await room.run(`${undoOf(caseId)}/${questions[1]?.id ?? ''}`);
    expect(room.saidOf('readmit.revocation.confirmed').map((answer) => answer.answers)).toEqual(questions.map(({ id }) => id));
    expect(undone(room)).toHaveLength(2);
  });

  it('R6.3 is not given to a question by what was read for an earlier one', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    await room.restore(caseId);
    room.due(caseId);
    let later: { readonly id: string } | undefined;
    room.target.before = (call) => {
      if (!call.startsWith('undo') || later) return;
      room.wait(1);
      later = room.due(caseId, 1, { cause: 'frozen' });
    };
    await room.run(undoOf(caseId));
    expect(room.saidOf('readmit.revocation.confirmed')).toEqual([]);
    await room.run(`${undoOf(caseId)}/${later?.id ?? ''}`);
    expect(only(room.saidOf('readmit.revocation.confirmed'))).toMatchObject({ answers: later?.id, how: 'undone' });
  });

  it('R6.3 undoes after the case was closed too, by what its step made', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    await room.restore(caseId);
    room.hear(draft('readmit.case.closed', caseId, { caseId, outcome: 'completed' }));
    room.due(caseId, 1, { cause: 'containment' });
    await room.run(undoOf(caseId));
    expect(answers(room, caseId)).toEqual(['undone']);
    expect(room.target.madeBefore).toEqual([[{ name: 'membership', value: `of ${caseId}` }]]);
  });

  it('R6.3 is tried again until the target shows it', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    await room.restore(caseId);
    room.due(caseId);
    room.target.before = () => {
      throw new TargetError('away', 'none', 'unreachable');
    };
    expect(await room.run(undoOf(caseId))).toBe('again');
    expect(only(room.saidOf('readmit.revocation.failed'))).toMatchObject({ tries: 1, reason: 'away' });
    room.target.before = () => undefined;
    expect(await room.run(undoOf(caseId))).toBe('done');
    expect(answers(room, caseId)).toEqual(['undone']);
  });

  it('R8.1 fits, however much the target shows', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    await room.restore(caseId);
    room.due(caseId);
    room.target.undo = async () => ({
      readBack: Array.from({ length: 300 }, () => ({ name: 'n'.repeat(700), value: 'v'.repeat(3000) })),
      sessionsEnded: 0,
    });
    await room.run(undoOf(caseId));
    const { readBack } = only(room.saidOf('readmit.revocation.confirmed'));
    expect([readBack.length, readBack[0]?.name.length, readBack[0]?.value.length]).toEqual([200, 600, 2000]);
  });
});

describe('what an enrolment left', () => {
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
  const withPlan = (room: ExecutionRoom, caseId: string): void => {
    room.change(caseId, (facts) =>
      facts.map((fact) => {
        if (fact.type !== 'readmit.plan.proposed') return fact;
        const plan: Plan = { ...fact.data.plan, obligations: [...fact.data.plan.obligations, withdraw(caseId)] };
        return { ...fact, data: { ...fact.data, plan } };
      }),
    );
  };
  const asked = (room: ExecutionRoom, caseId: string) =>
    room.hear(draft('readmit.revocation.due', caseId, { caseId, obligationId: `${caseId}/obligation-9`, cause: 'frozen' }));

  it('R5.4 R6.4 is taken back when the case is repudiated after its end, and nothing is when it never began', async () => {
    const room = new ExecutionRoom();
    const caseId = room.granted();
    await room.restore(caseId);
    room.due(caseId);
    await room.run(undoOf(caseId));
    room.hear(draft('readmit.case.closed', caseId, { caseId, outcome: 'completed' }));
    withPlan(room, caseId);
    asked(room, caseId);
    await room.run(`${caseId}/obligation-9/undo`);
    expect(undone(room)).toContain(`undo enrolment.withdraw ${caseId}`);

    const control = new ExecutionRoom();
    const never = control.granted();
    withPlan(control, never);
    asked(control, never);
    expect(only(control.saidOf('readmit.revocation.confirmed', never))).toMatchObject({ how: 'never-began' });
    expect(control.target.calls).toEqual([]);
  });
});
