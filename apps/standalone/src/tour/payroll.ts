import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { decision, proof } from './desk.js';
import type { Stage } from './stage.js';
import type { System } from '../system.js';

const codeOf = async (url: string): Promise<string> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return 'open';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.end().catch(() => undefined);
  }
};

interface Credential {
  readonly username: string;
  readonly password: string;
}
/** The secret that the consumer used last, from an earlier tour. */
const lastFile = (system: System): string => path.join(system.stateDir, 'homes', 'payroll-app', 'in-use.json');

/** svc-payroll's secret died: reissued, sealed to its consumer, the old one destroyed at once and proven dead. */
export async function payrollsSecretDied(stage: Stage, system: System, keys: string): Promise<string> {
  stage.title('3. svc-payroll’s secret died');
  const { writeFile } = await import('node:fs/promises');
  const urlFor = ({ username, password }: Credential): string => {
    const url = new URL(system.target.executorUrl);
    url.username = username;
    url.password = encodeURIComponent(password);
    return url.href;
  };
  const earlier = await readFile(lastFile(system), 'utf8').then(
    (text) => JSON.parse(text) as Credential,
    () => undefined,
  );
  const opened = await stage.done('pat', [
    'case',
    'open',
    '--machine',
    'svc-payroll',
    '--ask',
    'secret.reissue=target-postgres/payroll',
    '--reason-code',
    'secret-dead',
    '--reason',
    'The vault lost the password',
    '--ticket',
    'OPS-4712',
    '--for',
    '10m',
  ]);
  const caseId = String(opened['caseId']);
  const follow = stage.follow(caseId);
  await follow.until('readmit.plan.proposed');
  await proof(stage, caseId, 'owner-confirmation', 'the payroll team confirms owner, scope and consumers');
  await follow.until('readmit.approval.requested');
  await stage.done('dana', decision(keys, 'dana', 'approve', caseId));
  await stage.done('chidi', decision(keys, 'chidi', 'approve', caseId));
  await follow.until('readmit.execution.succeeded');

  const secretFile = path.join(system.stateDir, 'homes', 'payroll-app', `secret-${caseId}.json`);
  const stranger = path.join(system.stateDir, 'homes', 'mallory', `stranger-${caseId}.json`);
  await stage.done('mallory', ['key', 'create', '--for', 'consumer', '--id', 'stranger', '--out', stranger], { quiet: true });
  await stage.refused(
    'mallory',
    ['secret', 'pick-up', caseId, '--key', stranger, '--out', `${stranger}.secret`],
    'nothing-to-pick-up',
    'a stranger’s key picks the secret up',
  );
  await stage.done('payroll-app', [
    'secret',
    'pick-up',
    caseId,
    '--key',
    path.join(system.stateDir, 'demo', 'consumers', 'payroll-app.json'),
    '--out',
    secretFile,
  ]);
  const credential = JSON.parse(await readFile(secretFile, 'utf8')) as Credential;
  stage.say(`The consumer signs in as ${credential.username}: this confirms the take-over.`);
  const consumer = new pg.Client({ connectionString: urlFor(credential), application_name: 'payroll-app' });
  consumer.on('error', () => undefined);
  await consumer.connect();
  const { rows } = await consumer.query('SELECT month FROM salary_run');
  stage.check('the new secret works', rows.length > 0);
  await follow.until('readmit.case.closed', 60_000);
  await consumer.end();
  const old = earlier ?? { username: credential.username === 'payroll_a' ? 'payroll_b' : 'payroll_a', password: 'dead' };
  const refusedWith = await codeOf(urlFor(old));
  stage.check(`the old login ${old.username} is refused`, refusedWith === '28P01' || refusedWith === '28000', refusedWith);
  stage.check('the new one still works', (await codeOf(urlFor(credential))) === 'open');
  await writeFile(lastFile(system), JSON.stringify(credential), { mode: 0o600 });
  return caseId;
}
