/**
 * What waits shares a transaction (ADR 0008): proved on a real database that it does, that one which fails fails alone, that a later one sees
 * what follows from an earlier one, and that what a process remembers never hides what another has added.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Command } from '@readmit/domain';
import { refusal } from '@readmit/domain';
import { until } from '@readmit/testing';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const about = (key: string) => ({ key, name: 'look', actor: 'ada' });
const sent =
  (key: string): Command<number> =>
  (facts) => ({
    emit: [{ type: 'readmit.notice.sent', key, data: { caseId: key, noticeId: 'n', about: 'opened', channel: 'mail' } }],
    reply: facts.all.length,
  });

describe('transactions that wait', () => {
  it('share one commit, and each gets its own answer', async () => {
    const engine = await house.engine(toy);
    const keys = Array.from({ length: 100 }, (_, at) => `case-${at}`);
    const answers = await Promise.all([
      ...keys.map((key) => engine.command(about(key), sent(key))),
      engine.command(about('case-0'), () => refusal('conflict', 'R4.4', 'too-late', 'It is over.')),
    ]);
    expect(answers.slice(0, 100)).toEqual(keys.map(() => ({ reply: 0 })));
    expect(answers[100]).toMatchObject({ refused: { reason: 'too-late' } });
    expect(engine.counters.commits).toBe(1);
    // What comes alone is not kept waiting for company.
    await engine.command(about('case-0'), sent('case-0'));
    expect(engine.counters.commits).toBe(2);
  });

  it('see what follows from those before them', async () => {
    const engine = await house.engine({
      ...toy,
      react: (facts) => ({
        emit:
          facts.has('readmit.notice.sent') && !facts.has('readmit.case.closed')
            ? [{ type: 'readmit.case.closed', key: 'case-1', data: { caseId: 'case-1', outcome: 'completed' } }]
            : [],
      }),
    });
    const [, second] = await Promise.all([
      engine.command(about('case-1'), sent('case-1')),
      engine.command(about('case-1'), (facts) => ({ emit: [], reply: facts.has('readmit.case.closed') })),
    ]);
    expect(second).toEqual({ reply: true });
    expect(engine.counters.commits).toBe(1);
  });

  it('fail alone when one of them fails', async () => {
    const engine = await house.engine(toy);
    const [good, bad, other] = await Promise.allSettled([
      engine.command(about('case-1'), sent('case-1')),
      engine.command(about('case-2'), () => {
        throw new Error('this command is a bug');
      }),
      engine.command(about('case-3'), sent('case-3')),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'command look: this command is a bug' } });
    expect([good, other]).toEqual([
      { status: 'fulfilled', value: { reply: 0 } },
      { status: 'fulfilled', value: { reply: 0 } },
    ]);
    expect((await house.said('intake')).map(({ key }) => key).sort()).toEqual(['case-1', 'case-3']);
  });
});

describe('R8.3 a message whose rows the database refuses', () => {
  it('parks, although more was sent behind the statement that failed; the next one is taken', async () => {
    const engine = await house.engine({
      ...toy,
      save: async (tx, changes) => {
        if (changes.some(({ key }) => key === 'case-1')) await tx.query('SELECT 1 / 0');
      },
    });
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-2')]);
    await engine.start();
    const parked = await until(async () => (await engine.parked.list({ state: 'parked' }))[0], { what: 'it is parked' });
    expect(parked).toMatchObject({ key: 'case-1', reason: 'handler-failed', says: expect.stringContaining('division by zero') });
    await until(async () => (await house.said('intake')).some(({ key, type }) => key === 'case-2' && type === 'readmit.case.closed'), {
      what: 'the other is taken',
    });
    expect(await engine.parked.list({ state: 'parked' })).toHaveLength(1);
  });
});

describe('what a process remembers', () => {
  it('is read again when another process has added to it', async () => {
    const [one, other] = [await house.engine(toy, { member: 'one' }), await house.engine(toy, { member: 'other' })];
    const count: Command<number> = (facts) => ({ emit: [], reply: facts.all.length });
    await one.command(about('case-1'), sent('case-1'));
    await one.command(about('case-1'), sent('case-1'));
    expect(await other.command(about('case-1'), count)).toEqual({ reply: 2 });
    await other.command(about('case-1'), sent('case-1'));
    expect(await one.command(about('case-1'), count)).toEqual({ reply: 3 });
  });

  it('holds nothing of a transaction that was rolled back', async () => {
    const engine = await house.engine({
      ...toy,
      save: async (tx, changes) => {
        if (changes.some(({ rows }) => rows.includes('refuse'))) await tx.query('SELECT 1 / 0');
      },
    });
    await engine.command(about('case-1'), sent('case-1'));
    await expect(engine.command({ ...about('case-1'), rows: ['refuse'] }, sent('case-1'))).rejects.toThrow('division by zero');
    expect(await engine.command(about('case-1'), (facts) => ({ emit: [], reply: facts.all.length }))).toEqual({ reply: 1 });
  });
});
