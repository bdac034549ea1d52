import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { uuidv7 } from '@readmit/platform';
import { engineCrypto, makeSigningKey } from '@readmit/signing';
import type { EventData } from '@readmit/contracts';
import { Attacker } from './attacker.js';
import { askForAdminRole, decision } from './desk.js';
import type { Stage } from './stage.js';
import type { System } from '../system.js';

interface ParkedRow {
  readonly id: string;
  readonly reason: string;
  readonly eventId: string | null;
  readonly key: string;
}

/** Denied on the way, visibly and in the log: forgeries, replays, a plan that grew, an approval for a plan that changed. */
export async function deniedOnTheWay(stage: Stage, system: System, keys: string, adasCase: string): Promise<void> {
  stage.title('4. Denied attempts');
  const asIntake = await Attacker.with(system, 'intake');
  const asExecution = await Attacker.with(system, 'execution');
  try {
    await forgeries(stage, asIntake, adasCase, system.kafka);
    await plansThatChange(stage, system, keys, asExecution);
  } finally {
    await asIntake.close();
    await asExecution.close();
  }
}

async function forgeries(stage: Stage, attacker: Attacker, caseId: string, kafka: System['kafka']): Promise<void> {
  const withdrawn = { type: 'readmit.approval.withdrawn', key: caseId, data: { caseId, by: 'mallory' } } as const;
  const foreign = await attacker.event(withdrawn, 'approval', 'intake');
  if (kafka?.ownUsers === false)
    stage.say('Not shown on these brokers: intake’s user may not write to approval’s topic. Here all services use the same Kafka user.');
  else {
    const [what, refusal] = kafka ? ['user of Kafka writes', 'TOPIC_AUTHORIZATION_FAILED'] : ['database role inserts', '42501'];
    const found = await attacker.write(foreign);
    stage.check(`denied: intake’s ${what} into approval’s topic (${refusal})`, found === refusal, found ?? 'the write succeeded');
  }

  const wrongService = { ...(await attacker.event(withdrawn, 'intake', 'intake')) };
  await attacker.write(wrongService);
  await parkedWith(stage, wrongService.headers['ce_id'] ?? '', 'wrong-producer', 'an event of approval sent by intake');

  const opened = { type: 'readmit.case.frozen', key: caseId, data: { caseId, by: 'mallory', cause: 'repudiated' } } as const;
  const wrongKey = await attacker.event(opened, 'intake', makeSigningKey().private);
  await attacker.write(wrongKey);
  await parkedWith(stage, wrongKey.headers['ce_id'] ?? '', 'unknown-key', 'an event signed with an unlisted key');

  const old = await attacker.find('readmit.intake.v1', 'readmit.case.opened', caseId);
  const before = (await stage.done('gita', ['case', 'timeline', caseId], { quiet: true })) as unknown as unknown[];
  await attacker.write({ topic: old.topic, key: old.key, headers: old.headers, value: old.value });
  const otherId = uuidv7();
  await attacker.write({ topic: old.topic, key: old.key, headers: { ...old.headers, ce_id: otherId }, value: old.value });
  await parkedWith(stage, otherId, 'bad-signature', 'old bytes under another id');
  const fromApproval = await attacker.find('readmit.approval.v1', 'readmit.approval.granted', caseId);
  await attacker.write({ topic: 'readmit.intake.v1', key: fromApproval.key, headers: fromApproval.headers, value: fromApproval.value });
  await parkedWith(stage, fromApproval.headers['ce_id'] ?? '', 'bad-signature', 'old bytes on another topic');
  const after = (await stage.done('gita', ['case', 'timeline', caseId], { quiet: true })) as unknown as unknown[];
  stage.check('old bytes under the same id change nothing', after.length === before.length, `${before.length} facts, then ${after.length}`);
}

/** Waits until audit, which consumes every topic, has parked the event, and checks the reason. */
async function parkedWith(stage: Stage, eventId: string, reason: string, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  let rows: ParkedRow[] = [];
  while (Date.now() < deadline) {
    rows = (await stage.done('gita', ['parked', 'list', '--service', 'audit'], { quiet: true })) as unknown as ParkedRow[];
    const row = rows.find((candidate) => candidate.eventId === eventId);
    if (row) return stage.check(`denied: ${what} (${row.reason}; readmit parked list shows it)`, row.reason === reason, row.reason);
    await wait(200);
  }
  stage.check(`denied: ${what} (${reason})`, false, `not parked; ${rows.length} other messages are`);
}

async function plansThatChange(stage: Stage, system: System, keys: string, attacker: Attacker): Promise<void> {
  stage.say('With execution’s stolen key and database role, Mallory adds a role to an MFA recovery of Ada.');
  const asked = await stage.done('ada', [
    'case',
    'open',
    '--anonymous',
    '--subject',
    'ada',
    '--ask',
    `factor.bypass=${system.real ? 'sso/person-ada' : 'demo-idp/ada'}`,
    '--reason-code',
    'travel',
    '--reason',
    'Left my key at home',
    '--for',
    '10m',
  ]);
  const mfa = String(asked['caseId']);
  const followMfa = stage.follow(mfa);
  await followMfa.until('readmit.plan.proposed');
  await forgePlan(attacker, mfa, (plan) => ({
    ...plan,
    steps: [
      ...plan.steps,
      {
        id: 'step-9',
        askId: 'ask-1',
        kind: 'role.grant',
        connector: 'target-postgres',
        object: 'ada',
        entitlement: 'app_admin',
        recipients: [],
        says: 'and the admin role',
      },
    ],
  }));
  const refused = await followMfa.until('readmit.approval.refused');
  stage.check(
    'denied: a plan that adds a role to an MFA recovery (plan-above-ceiling)',
    refused.says.includes('plan-above-ceiling'),
    refused.says,
  );
  await stage.done('ada', ['case', 'withdraw', mfa]);
  await followMfa.until('readmit.case.closed');

  stage.say('Chidi approves a plan; then Mallory replaces it with another one below the ceiling.');
  const follow = await askForAdminRole(stage, 'Needed again', '10m');
  const { caseId } = follow;
  await stage.done('chidi', decision(keys, 'chidi', 'approve', caseId));
  const signed = await attacker.find('readmit.approval.v1', 'readmit.decision.recorded', caseId);
  await forgePlan(attacker, caseId, (plan) => ({ ...plan, durationSeconds: plan.durationSeconds * 10 }));
  await follow.until('readmit.approval.requested', 15_000, () => countOf(follow, 'readmit.approval.requested') === 2);
  const { decision: earlier } = JSON.parse(signed.value.toString('utf8')) as EventData<'readmit.decision.recorded'>;
  const session = JSON.parse(await readFile(path.join(system.stateDir, 'homes', 'chidi', 'session.json'), 'utf8')) as {
    accessToken: string;
  };
  const answer = await fetch(`${system.origin}/api/approval/cases/${caseId}/decisions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session.accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ statement: earlier.statement, proof: earlier.proof }),
  });
  const problem = (await answer.json()) as { reason?: string };
  await follow.untilRefused('plan-changed');
  stage.check(
    'denied: an approval whose plan changed afterwards (plan-changed)',
    answer.status === 409 && problem.reason === 'plan-changed',
    `${answer.status} ${problem.reason ?? ''}`,
  );
  await stage.done('dana', decision(keys, 'dana', 'approve', caseId));
  stage.check(
    'the earlier approval does not count for the new plan',
    !(await follow.look()).some((entry) => entry.type === 'readmit.approval.granted'),
  );
  await stage.done('erin', ['case', 'withdraw', caseId]);
  await follow.until('readmit.case.closed');
}

const countOf = (follow: { readonly entries: readonly { readonly type: string }[] }, type: string): number =>
  follow.entries.filter((entry) => entry.type === type).length;

async function forgePlan(
  attacker: Attacker,
  caseId: string,
  change: (plan: EventData<'readmit.plan.proposed'>['plan']) => EventData<'readmit.plan.proposed'>['plan'],
): Promise<void> {
  const honest = await attacker.find('readmit.execution.v1', 'readmit.plan.proposed', caseId);
  const data = JSON.parse(honest.value.toString('utf8')) as EventData<'readmit.plan.proposed'>;
  const plan = change(data.plan);
  const record = await attacker.event(
    { type: 'readmit.plan.proposed', key: caseId, data: { caseId, planId: `plan_${uuidv7()}`, plan, digest: engineCrypto.digest(plan) } },
    'execution',
    'execution',
  );
  await attacker.write(record);
}
