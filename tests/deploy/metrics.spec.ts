/** The services export exactly the metrics that docs/operations.md explains, and the alerts use no others. */
import { expect, it } from '@jest/globals';
import { draft } from '@readmit/domain';
import { Facts } from '@readmit/domain';
import type { Engine } from '@readmit/runtime';
import { createLog, type ServiceFigures } from '@readmit/service';
import type { Store } from '@readmit/store';
import { parse } from 'yaml';
import { gateFigures } from '../../apps/execution/src/outbound/gate-figures.js';
import { sourceFigures } from '../../apps/classification/src/outbound/source-figures.js';
import { logFigures } from '../../apps/audit/src/outbound/log-figures.js';
import { overdueFigures } from '../../apps/revocation-scheduler/src/outbound/overdue.js';
import { Instruments } from '../../libs/service/src/http/instruments.js';
import { draftOf } from '../cost/services.js';
import { textOf } from './compose-file.js';

const log = createLog({ service: 'execution', level: 'silent', secrets: [], write: () => {} });
const engine = {
  counters: { batches: 0, messages: 0, statements: 0, commits: 0, events: 0, parked: 0 },
  progress: async () => ({ ready: true, lag: 0, lastBatchAt: null, workWaiting: 0, parked: 0, says: '' }),
} as unknown as Engine;
/** Additional counters of intake. */
const counts = Object.fromEntries(
  ['signals_recorded', 'signals_repeated', 'signals_refused'].map((what) => [what, { says: 'Taken.', value: 0 }]),
);
const store = { query: async () => [] } as unknown as Store;
const own: readonly ServiceFigures[] = [gateFigures, logFigures(store), overdueFigures(store), sourceFigures(store, 'hr')];

async function exported(): Promise<ReadonlySet<string>> {
  const texts = await Promise.all(
    own.map(async (figures) => {
      const instruments = new Instruments('execution', log, figures);
      return (await instruments.scrape({ engine: { ...engine, counts }, store, outbox: async () => ({ waiting: 0, oldestSeconds: 0 }) }))
        .text;
    }),
  );
  return new Set(texts.flatMap((text) => [...text.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name ?? '')));
}

it('docs/operations.md explains exactly the existing metrics', async () => {
  const explained = new Set([...textOf('docs/operations.md').matchAll(/^\| `(readmit_[a-z_]+)`/gm)].map(([, name]) => name));
  const names = await exported();
  expect(names.size).toBeGreaterThan(20);
  expect([...explained].toSorted()).toEqual([...names].toSorted());
});

it('the alerts use only existing metrics', async () => {
  const { groups } = parse(textOf('deploy/prometheus/alerts.yml')) as { groups: { rules: { alert: string; expr: string }[] }[] };
  const names = await exported();
  const used = groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.match(/readmit_[a-z_]+/g) ?? []));
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((name) => !names.has(name.replace(/_(bucket|count|sum)$/, '')))).toEqual([]);
});

it('the wait at the gate is the time from the grant to the start, and no other event ends it', async () => {
  const instruments = new Instruments('execution', log, gateFigures);
  const count = async (): Promise<string> =>
    (await instruments.scrape({ engine, store })).text
      .split('\n')
      .filter((line) => /gate_wait_seconds_(count|sum|bucket\{le="(1|2.5)")/.test(line))
      .join('\n');
  const caseId = 'case_1';
  const granted = draftOf('readmit.approval.granted', caseId);
  const facts = new Facts([{ id: 'event_1', at: '2026-11-22T10:00:00.000Z', type: granted.type, data: granted.data } as never]);
  const started = draftOf('readmit.execution.started', caseId);
  instruments.observer.emitted?.([{ ...draft('readmit.notice.sent', caseId, {} as never), at: '2026-11-22T10:00:01.500Z', facts }]);
  expect(await count()).toMatch(/_count\{service="execution"\} 0$/);
  instruments.observer.emitted?.([{ ...started, at: '2026-11-22T10:00:01.500Z', facts }]);
  expect((await count()).split('\n')).toEqual([
    'readmit_gate_wait_seconds_bucket{le="1",service="execution"} 0',
    'readmit_gate_wait_seconds_bucket{le="2.5",service="execution"} 1',
    'readmit_gate_wait_seconds_sum{service="execution"} 1.5',
    'readmit_gate_wait_seconds_count{service="execution"} 1',
  ]);
});
