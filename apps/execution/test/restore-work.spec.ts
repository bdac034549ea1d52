/** Proves when a restoration compares the target with the approved plan. Does not prove what connectors do: the target here is made up. */
import { describe, expect, it } from '@jest/globals';
import type { Work } from '@readmit/bus';
import { TargetError, type Connector } from '@readmit/connectors';
import type { Fact, Facet } from '@readmit/contracts';
import { Facts } from '@readmit/domain';
import { restoreWork } from '../src/outbound/restore-work.js';

const at = '2026-11-22T09:00:00.000Z';
const ask = { id: 'ask-1', kind: 'role.restore', connector: 'target', object: 'erin', entitlement: 'app_admin' };
const step = { id: 'step-1', askId: 'ask-1', kind: 'role.grant', connector: 'target', object: 'erin', recipients: [], says: 'grant' };
const before: Facet[] = [{ name: 'erin/roles', value: 'reports' }];
const plan = { asks: [ask], steps: [step], obligations: [], before: { digest: 'd', facets: before } };
const facts = new Facts([
  { id: '1', type: 'readmit.plan.proposed', at, data: { digest: 'p', plan } },
  { id: '2', type: 'readmit.execution.started', at, data: { planDigest: 'p', endsAt: '2026-11-22T10:00:00.000Z' } },
] as unknown as Fact[]);
const work = (tries: number): Work => ({ id: 'case_1/restore', key: 'case_1', tries }) as Work;

/** A target that answers each reading with the next of the given ones, and counts the steps that were sent. */
function target(readings: readonly (readonly Facet[] | Error)[]) {
  const left = [...readings];
  const sent: string[] = [];
  const connector = {
    read: () => {
      const next = left.shift() ?? new Error('read once too often');
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    execute: (done: { readonly id: string }) => {
      sent.push(done.id);
      return Promise.resolve({ after: [], sealed: [] });
    },
  } as unknown as Connector;
  const handler = restoreWork(new Map([['target', connector]]));
  return { sent, run: (tries: number) => handler.call(work(tries), facts, new AbortController().signal, () => Promise.resolve(true)) };
}
const down = new TargetError('the target is down', 'none', 'unreachable');

describe('restoring', () => {
  it('R2.5 a target that could not be read at the first try is compared at the next', async () => {
    const changed = target([down, [{ name: 'erin/roles', value: 'reports,auditors' }]]);
    expect(await changed.run(1)).toMatchObject({ kind: 'failed', began: false });
    expect(await changed.run(2)).toMatchObject({ kind: 'changed' });
    expect(changed.sent).toEqual([]);

    const same = target([down, before]);
    await same.run(1);
    expect(await same.run(2)).toMatchObject({ kind: 'done' });
    expect(same.sent).toEqual(['step-1']);
  });

  it('R5.5 work that may have begun is gone on with, and each step reads what is there', async () => {
    const resumed = target([]);
    expect(await resumed.run(2)).toMatchObject({ kind: 'done' });
    expect(resumed.sent).toEqual(['step-1']);
  });
});
