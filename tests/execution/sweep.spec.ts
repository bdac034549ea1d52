/** The sweep: what is read again after a restoration, when, and what is raised. The target is simulated; sweep.int.spec.ts has real ones. */
import { describe, expect, it } from '@jest/globals';
import { TargetError } from '@readmit/connectors';
import { draft } from '@readmit/domain';
import { SimulatedTarget, TestExecution, only, sweep } from './test-execution.js';

const facet = 'role.restore:state';
const sweepOf = (caseId: string): string => `${caseId}/sweep-1`;

/** A case whose role was restored. */
async function restored(): Promise<{ readonly execution: TestExecution; readonly caseId: string }> {
  const execution = new TestExecution();
  const caseId = execution.granted();
  await execution.restore(caseId);
  execution.wait(sweep.everySeconds);
  return { execution, caseId };
}
/** Sweeps until the difference has been there for long enough. */
async function swept(execution: TestExecution, caseId: string): Promise<void> {
  for (let reading = 0; reading < 2; reading++) {
    expect(await execution.run(sweepOf(caseId))).toBe('again');
    execution.wait(5);
  }
}
async function undone(execution: TestExecution, caseId: string): Promise<void> {
  execution.due(caseId);
  await execution.run(`${caseId}/obligation-1/undo`);
  execution.wait(1);
}
const raised = (execution: TestExecution, caseId?: string) =>
  execution.emittedOf('readmit.finding.raised', caseId).map(({ was, is, power }) => `${power}: ${was} -> ${is}`);

describe('the sweep', () => {
  it('R6.7 raises nothing while the target is as the case left it, during the grant and after its end', async () => {
    const { execution, caseId } = await restored();
    await swept(execution, caseId);
    await undone(execution, caseId);
    await swept(execution, caseId);
    expect(raised(execution)).toEqual([]);
    expect(execution.target.calls.filter((call) => call === 'read role.restore')).toHaveLength(5);
  });

  it('R6.7 raises what nobody asked for while the grant is open, once, and changes nothing', async () => {
    const { execution, caseId } = await restored();
    execution.target.state.set(facet, 'given by hand');
    const calls = execution.target.calls.length;
    await swept(execution, caseId);
    await swept(execution, caseId);
    expect(only(execution.emittedOf('readmit.finding.raised', caseId))).toMatchObject({
      connector: 'target',
      object: 'erin',
      facet,
      was: 'given',
      is: 'given by hand',
      power: 'more',
    });
    expect(new Set(execution.target.calls.slice(calls))).toEqual(new Set(['read role.restore']));
  });

  it('R6.7 raises what is back after a proven undo, and a difference that follows it', async () => {
    const { execution, caseId } = await restored();
    await undone(execution, caseId);
    execution.target.state.set(facet, 'given');
    await swept(execution, caseId);
    expect(raised(execution)).toEqual(['more: lost -> given']);
    execution.target.state.set(facet, 'given by hand');
    await swept(execution, caseId);
    expect(raised(execution)).toEqual(['more: lost -> given', 'more: lost -> given by hand']);
    expect(execution.emittedOf('readmit.finding.cleared', caseId)).toHaveLength(1);
  });

  it('R6.7 records what was only taken away with the lower rating', async () => {
    const { execution, caseId } = await restored();
    execution.target.state.set(facet, 'absent');
    await swept(execution, caseId);
    expect(raised(execution)).toEqual(['less: given -> absent']);
  });

  it('clears a finding with the first reading that does not show it', async () => {
    const { execution, caseId } = await restored();
    execution.target.state.set(facet, 'given by hand');
    await swept(execution, caseId);
    execution.target.state.set(facet, 'given');
    await execution.run(sweepOf(caseId));
    const { findingId } = only(execution.emittedOf('readmit.finding.raised', caseId));
    expect(only(execution.emittedOf('readmit.finding.cleared', caseId))).toMatchObject({ findingId, facet });
  });

  it('waits for a second reading: a difference that is gone by then was a change in progress', async () => {
    const { execution, caseId } = await restored();
    execution.target.state.set(facet, 'given by hand');
    await execution.run(sweepOf(caseId));
    execution.target.state.set(facet, 'given');
    execution.wait(5);
    await execution.run(sweepOf(caseId));
    execution.target.state.set(facet, 'given by hand');
    execution.wait(60);
    await execution.run(sweepOf(caseId));
    expect(raised(execution)).toEqual([]);
    execution.wait(5);
    await execution.run(sweepOf(caseId));
    expect(raised(execution)).toHaveLength(1);
  });

  it('compares nothing while an undo is due: what the target shows then is not known yet', async () => {
    const { execution, caseId } = await restored();
    execution.due(caseId);
    execution.target.state.set(facet, 'half undone');
    const calls = execution.target.calls.length;
    expect(await execution.run(sweepOf(caseId))).toBe('waits');
    expect(execution.target.calls).toHaveLength(calls);
    await execution.run(`${caseId}/obligation-1/undo`);
    execution.wait(5);
    await swept(execution, caseId);
    expect(raised(execution)).toEqual([]);
  });

  it('drops a reading that an undo has overtaken', async () => {
    const { execution, caseId } = await restored();
    execution.target.state.set(facet, 'given by hand');
    await execution.run(sweepOf(caseId));
    execution.wait(5);
    const id = sweepOf(caseId);
    const { read } = execution.target;
    execution.target.read = async (...about) => {
      const facets = await read(...about);
      await undone(execution, caseId);
      return facets;
    };
    expect(await execution.run(id)).toBe('again');
    expect(raised(execution)).toEqual([]);
  });

  it('R6.5 R6.7 leaves to another case what that case changed later', async () => {
    const execution = new TestExecution();
    const [one, other] = [execution.granted(), execution.granted()];
    await execution.restore(one);
    execution.wait(1);
    await execution.restore(other);
    execution.wait(60);
    await undone(execution, one);
    expect(execution.emittedOf('readmit.revocation.confirmed', one).map(({ how }) => how)).toEqual(['still-held']);
    await undone(execution, other);
    for (const caseId of [one, other]) await swept(execution, caseId);
    expect(raised(execution)).toEqual([]);
    execution.target.state.set(facet, 'given by hand');
    for (const caseId of [one, other]) await swept(execution, caseId);
    expect([raised(execution, one), raised(execution, other)]).toEqual([[], ['more: lost -> given by hand']]);
  });

  it('continues when a target cannot be read, and sends nothing then', async () => {
    const { execution, caseId } = await restored();
    execution.target.state.set(facet, 'given by hand');
    execution.target.before = () => {
      throw new TargetError('away', 'none', 'unreachable');
    };
    await swept(execution, caseId);
    expect(raised(execution)).toEqual([]);
    execution.target.before = () => undefined;
    execution.wait(60);
    await swept(execution, caseId);
    expect(raised(execution)).toHaveLength(1);
  });

  it('ends a time after the case was closed', async () => {
    const { execution, caseId } = await restored();
    await undone(execution, caseId);
    execution.receive(draft('readmit.case.closed', caseId, { caseId, outcome: 'completed' }));
    execution.wait(sweep.afterCloseSeconds - 1);
    expect(await execution.run(sweepOf(caseId))).toBe('again');
    execution.wait(1);
    expect(await execution.run(sweepOf(caseId))).toBe('done');
  });

  it('is spread over its interval by key', async () => {
    const execution = new TestExecution();
    const starts: number[] = [];
    for (let cases = 0; cases < 20; cases++) {
      const caseId = execution.granted();
      await execution.restore(caseId);
      const notBefore = execution.rows.get(sweepOf(caseId))?.notBefore.getTime() ?? 0;
      starts.push((notBefore - execution.now.getTime()) / 1000);
    }
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...starts)).toBeLessThan(sweep.everySeconds);
    expect(new Set(starts.map((start) => Math.floor(start / 15))).size).toBe(4);
  });

  it('reads in a lane of its own, which undos never wait for', () => {
    expect(new TestExecution(new SimulatedTarget()).laneOf('sweep')).toBe('reading');
  });
});
