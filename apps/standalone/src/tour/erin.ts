import pg from 'pg';
import { askForAdminRole, decision } from './desk.js';
import type { Stage } from './stage.js';
import type { System } from '../system.js';

/** Reads as Erin: `undefined` when she may not. */
async function readAs(url: string, table: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, application_name: 'erin' });
  await client.connect();
  try {
    const { rows } = await client.query<{ line: string }>(`SELECT line FROM ${table} LIMIT 1`);
    return rows[0]?.line;
  } catch (error) {
    if ((error as { code?: string }).code === '42501') return undefined;
    throw error;
  } finally {
    await client.end();
  }
}

/** Erin's admin role: two people of different authority, for seconds, then taken back by itself. */
export async function erinsAdminRole(stage: Stage, system: System, keys: string): Promise<string> {
  stage.title('2. Erin’s admin role');
  const { erinUrl } = system.target;
  stage.check(
    'before: Erin reads reports and not the ledger',
    (await readAs(erinUrl, 'public_report')) !== undefined && (await readAs(erinUrl, 'admin_ledger')) === undefined,
  );
  const follow = await askForAdminRole(stage, 'The nightly sync took my role during the incident', '6s');
  const { caseId } = follow;
  await stage.refused(
    'erin',
    decision(keys, 'erin', 'approve', caseId),
    'approver-is-requester',
    'the requester approves their own request',
    follow,
  );
  await stage.done('chidi', decision(keys, 'chidi', 'approve', caseId));
  stage.check('one of two approvals grants nothing', !(await follow.look()).some((entry) => entry.type === 'readmit.approval.granted'));
  await stage.done('dana', decision(keys, 'dana', 'approve', caseId));
  await follow.until('readmit.execution.succeeded');

  const open = new pg.Client({ connectionString: erinUrl, application_name: 'erin' });
  let ended = '';
  open.on('error', (error: Error & { code?: string }) => (ended = error.code ?? error.message));
  await open.connect();
  const ledger = await open.query<{ line: string }>('SELECT line FROM admin_ledger LIMIT 1');
  stage.check('a login as Erin proves that the role works', ledger.rows.length === 1);
  await follow.until('readmit.case.closed', 60_000);
  stage.check(
    'it expired automatically (R6.2)',
    (await follow.look()).some((entry) => entry.type === 'readmit.revocation.due' && entry.says.includes('the grant expired')),
  );
  stage.check('her open connection was ended', ended !== '', 'still open');
  await open.end().catch(() => undefined);
  stage.check('a login as Erin proves that it no longer does', (await readAs(erinUrl, 'admin_ledger')) === undefined);
  stage.check('her other role is still there (R6.5)', (await readAs(erinUrl, 'public_report')) !== undefined);
  return caseId;
}
