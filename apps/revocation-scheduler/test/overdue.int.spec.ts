/** The gauges of overdue obligations: the scheduler reports an undo as overdue, on facts of two minutes ago, and receives its confirmation. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { EmbeddedBus } from '@readmit/bus';
import { Signer } from '@readmit/signing';
import { uuidv7 } from '@readmit/platform';
import { topicOf, writeEnvelope, type EventData } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { overdueFigures, overdueNow } from '../src/outbound/overdue.js';
import { keys, RunningScheduler } from './running-scheduler.js';

let scheduler: RunningScheduler;
beforeEach(async () => {
  scheduler = await RunningScheduler.open();
});
afterEach(() => scheduler.close());

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
const undo: EventData<'readmit.obligation.recorded'>['undo'] = {
  id: 'obligation_1',
  kind: 'role.revoke',
  connector: 'target-postgres',
  object: 'erin',
  afterSeconds: 60,
  armedBy: 'start',
  unlessTakenOver: false,
  says: 'take the role from erin',
};

/** Facts as if the scheduler had recorded the obligation and requested its undo, `seconds` ago. */
async function dueSince(seconds: number): Promise<void> {
  await scheduler.insert('case_1', ago(seconds), [
    ['readmit.obligation.recorded', { caseId: 'case_1', obligationId: undo.id, grantId: 'grant_1', undo, hardBound: ago(seconds) }],
    ['readmit.revocation.due', { caseId: 'case_1', obligationId: undo.id, cause: 'expiry' }],
  ]);
}
async function confirm(): Promise<void> {
  const due = (await scheduler.engine.facts('case_1')).last('readmit.revocation.due');
  const data: EventData<'readmit.revocation.confirmed'> = {
    caseId: 'case_1',
    obligationId: undo.id,
    how: 'undone',
    readBack: [],
    sessionsEnded: 0,
    ...(due ? { answers: due.id } : {}),
  };
  const headers = writeEnvelope({
    id: uuidv7(),
    environment: 'test',
    service: 'execution',
    type: 'readmit.revocation.confirmed',
    time: ago(0),
    subject: 'case_1',
    version: '1',
    correlationId: 'case_1',
  });
  const records = new Signer(keys.keys.execution).sign('test', [
    { topic: topicOf('execution'), key: 'case_1', headers, value: Buffer.from(JSON.stringify(data)) },
  ]);
  const store = await scheduler.database.store('execution');
  const writer = await EmbeddedBus.open({ service: 'execution', store });
  await store.transaction(async (tx) => writer.write(tx, records));
  await writer.close();
}
const figures = async () => overdueFigures(scheduler.store).read?.();
const emitted = async (type: string): Promise<boolean> => (await scheduler.engine.facts('case_1')).all.some((fact) => fact.type === type);

it('R6.3 count an overdue undo and its time since it was due, until it is discharged', async () => {
  expect(await figures()).toEqual({ overdue_obligations: 0, overdue_oldest_seconds: 0 });
  await dueSince(120);
  await scheduler.engine.start();
  await until(async () => emitted('readmit.revocation.overdue'), { what: 'the undo is reported as overdue' });
  expect(await figures()).toMatchObject({ overdue_obligations: 1 });
  expect((await figures())?.['overdue_oldest_seconds']).toBeGreaterThan(119);
  const [due] = (await scheduler.engine.facts('case_1')).of('readmit.revocation.due');
  expect(await overdueNow(scheduler.store)).toEqual([{ caseId: 'case_1', obligationId: undo.id, dueSince: due?.at }]);
  await confirm();
  await until(async () => emitted('readmit.obligation.discharged'), { what: 'the obligation is discharged' });
  expect(await figures()).toEqual({ overdue_obligations: 0, overdue_oldest_seconds: 0 });
  expect(await overdueNow(scheduler.store)).toEqual([]);
});

it('R6.3 do not count an undo that was due a moment ago', async () => {
  await dueSince(5);
  await scheduler.engine.start();
  await confirm();
  await until(async () => emitted('readmit.obligation.discharged'), { what: 'the obligation is discharged' });
  expect([await emitted('readmit.revocation.overdue'), await figures()]).toEqual([
    false,
    { overdue_obligations: 0, overdue_oldest_seconds: 0 },
  ]);
});
