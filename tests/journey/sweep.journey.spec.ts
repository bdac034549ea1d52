/** The sweep in the running system: a role that is granted by hand at the target is shown to people, and no case of its own. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { query } from '../../libs/connectors/test/postgres-target.js';
import { ada, cli, done, erin, fact, granted, http, system, typesOf, useRunningSystem } from './running-system.js';
import { readmit } from './installation.js';

useRunningSystem(['erin', 'gita']);

it('R6.7 shows a role that was granted by hand after the end of the case, and that it is gone', async () => {
  const targets = JSON.parse(await readFile(path.join(system.stateDir, 'secrets/targets.json'), 'utf8')) as { kind: string; url: string }[];
  const executor = targets.find(({ kind }) => kind === 'postgres')?.url ?? '';
  const control = await granted(http, ada);
  const { caseId } = await granted(http, erin);
  expect(await cli.act('end', 'erin', caseId)).toMatchObject(done);
  await fact(caseId, 'readmit.case.closed');
  await query(executor, 'GRANT app_admin TO erin');
  expect(await fact(caseId, 'readmit.finding.raised')).toMatchObject({
    says: 'Erin at target-postgres has more than the case left there: erin/role/app_admin should be absent and is granted-by-us.',
  });
  const shown = await readmit(system, 'gita', ['case', 'show', caseId]);
  expect(shown.stdout.replaceAll(/\s+/g, ' ')).toContain('findings Erin at target-postgres has more than the case left there');
  await query(executor, 'REVOKE app_admin FROM erin');
  await fact(caseId, 'readmit.finding.cleared');
  const after = await readmit(system, 'gita', ['case', 'show', caseId]);
  expect([after.code, after.stdout.includes('findings')]).toEqual([0, false]);
  expect((await typesOf(caseId)).filter((type) => type === 'readmit.finding.raised')).toHaveLength(1);
  expect(await typesOf(control.caseId)).not.toContain('readmit.finding.raised');
});
