import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { engineCrypto } from '@readmit/signing';
import { codeOf } from '@readmit/domain';
import type { Stage, System } from '@readmit/standalone';
import { TOTP, URI } from 'otpauth';
import pg from 'pg';
import { until } from '@readmit/testing';
import type { TopicEvent, Witness } from './witness.js';

/** One recovery, from the request to its end. */
export interface Recovery {
  readonly kind: 'role' | 'bypass' | 'secret';
  /** A login at the target, a person in the demo, or a service account. */
  readonly object: string;
  caseId: string;
}
export interface World {
  readonly system: System;
  readonly stage: Stage;
  readonly witness: Witness;
}

const keysOf = ({ system }: World): string => path.join(system.stateDir, 'demo', 'keys');
const secretFileOf = ({ system }: World, { caseId, object }: Recovery): string =>
  path.join(system.stateDir, 'homes', `secret-of-${object}-${caseId}`);
/** The CLI's exit codes for "not yet" and "a service is down". */
const retryable = [7, 8];
/** For a busy machine on which every service crashes again and again. */
const stepMs = 180_000;

/** Repeats a command until it succeeds, but not if it was already carried out: `done` checks that first. */
async function runUntilDone(world: World, persona: string, argv: readonly string[], done: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + stepMs;
  while (!(await done())) {
    const ran = await world.stage.cli(persona, argv, { quiet: true });
    if (ran.code === 0) return;
    if (!retryable.includes(ran.code) || performance.now() > end)
      throw new Error(`readmit ${argv.join(' ')} exited with ${ran.code}: ${ran.stderr.trim() || ran.stdout.trim()}`);
    await delay(100);
    await world.witness.untilSent();
  }
}
/** Repeats a command that reads until it succeeds. */
async function readUntilDone(world: World, persona: string, argv: readonly string[]): Promise<unknown> {
  const end = performance.now() + stepMs;
  for (;;) {
    const ran = await world.stage.cli(persona, argv, { quiet: true });
    if (ran.code === 0) return ran.json;
    if (!retryable.includes(ran.code) || performance.now() > end) throw new Error(`readmit ${argv.join(' ')}: ${ran.stderr || ran.stdout}`);
    await delay(100);
  }
}

/** Creates logins at the target that have `app_reader` and lost `app_admin`. */
export async function makeLogins({ system }: Pick<World, 'system'>, logins: readonly string[]): Promise<void> {
  await asTargetOwner(system, async (client) => {
    for (const login of logins) await client.query(`CREATE ROLE ${login} LOGIN; GRANT app_reader TO ${login}`);
  });
}

/** Runs statements as the owner of the target's cluster. */
export async function asTargetOwner<T>(system: System, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const password = (await readFile(path.join(system.stateDir, 'target', 'owner-password'), 'utf8')).trim();
  const client = new pg.Client({ host: '127.0.0.1', port: system.target.port, user: 'postgres', database: 'target', password });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Opens the case, once, even if the response is lost and the command is repeated. */
export async function open(world: World, recovery: Recovery, duration: string): Promise<void> {
  const { object } = recovery;
  const ticket = ['--ticket', 'OPS-4711'];
  const argv = {
    role: ['--subject', 'erin', '--ask', `role.restore=target-postgres/${object}/app_admin`, '--reason-code', 'role-lost', ...ticket],
    bypass: ['--anonymous', '--subject', object, '--ask', `factor.bypass=demo-idp/${object}`, '--reason-code', 'lost-device'],
    secret: ['--machine', 'svc-payroll', '--ask', `secret.reissue=target-postgres/${object}`, '--reason-code', 'secret-dead', ...ticket],
  }[recovery.kind];
  const persona = { role: 'erin', bypass: object, secret: 'pat' }[recovery.kind];
  await runUntilDone(
    world,
    persona,
    ['case', 'open', ...argv, '--reason', 'lost in the incident', '--for', duration],
    // Only a successful command saves the key for picking up a bypass.
    () => Promise.resolve(false),
  );
  // On Kafka the response may come before the event is on its topic.
  const found = await until(
    async () => {
      const cases = await casesOf(world, recovery);
      return cases.length > 0 ? cases : undefined;
    },
    { what: `the topic has the case of ${object}`, timeoutMs: stepMs },
  );
  if (found.length !== 1) throw new Error(`${object} has ${found.length} cases`);
  recovery.caseId = found[0] ?? '';
}
/** Cases that ask for that object. */
export async function casesOf({ witness }: World, { object }: Pick<Recovery, 'object'>): Promise<readonly string[]> {
  const asks = ({ type, data }: TopicEvent): boolean =>
    type === 'readmit.case.opened' && (data['asks'] as readonly { object: string }[]).some((one) => one.object === object);
  return [...new Set((await witness.read()).filter(asks).map(({ key }) => key))];
}

/** Evidence and decisions, from the opened case to the success of its execution. */
export async function drive(world: World, recovery: Recovery): Promise<void> {
  const { witness } = world;
  const { caseId } = recovery;
  await witness.until(caseId, 'readmit.plan.proposed', stepMs);
  const opened = await witness.until(caseId, 'readmit.case.opened', stepMs);
  const evidence = async (kind: string, channel: string, more: readonly string[] = []): Promise<void> =>
    runUntilDone(
      world,
      'boris',
      ['evidence', 'add', caseId, '--kind', kind, '--channel', channel, '--assurance', 'substantial', '--note', 'checked', ...more],
      async () => (await witness.of(caseId)).some((fact) => fact.type === 'readmit.evidence.added' && fact.data['kind'] === kind),
    );
  if (recovery.kind === 'secret') await evidence('owner-confirmation', 'directory');
  else {
    const contacts = (await readUntilDone(world, 'boris', ['case', 'contacts', caseId])) as readonly { kind: string; digest: string }[];
    const contact = contacts.find(({ kind }) => kind === 'phone' || kind === 'mobile')?.digest ?? '';
    const { fingerprint } = opened.caseKey ?? {};
    const { codeNonce } = await witness.until(caseId, 'readmit.case.classified', stepMs);
    // The code that the person reads out over the phone.
    const read = fingerprint === undefined || codeNonce === undefined ? [] : ['--code', codeOf(codeNonce, fingerprint, engineCrypto)];
    await evidence('call-back', 'phone', ['--contact', contact, ...read]);
    if (recovery.kind === 'bypass') await evidence('manager-vouch', 'directory');
  }
  await witness.until(caseId, 'readmit.approval.requested', stepMs);
  for (const approver of recovery.kind === 'bypass' ? ['chidi'] : ['chidi', 'dana'])
    await runUntilDone(
      world,
      approver,
      ['approve', caseId, '--reason', 'plan and proofs checked', '--key', path.join(keysOf(world), `${approver}.jwk`), '--yes'],
      async () => (await witness.of(caseId)).some((fact) => fact.type === 'readmit.decision.recorded' && decidedBy(fact) === approver),
    );
  await witness.until(caseId, 'readmit.execution.succeeded', stepMs);
}
const decidedBy = ({ data }: TopicEvent): string => (data['decision'] as { statement: { approver: string } }).statement.approver;

/** The person gives the grant up before its end. */
export async function endEarly(world: World, { caseId }: Recovery): Promise<void> {
  await runUntilDone(world, 'erin', ['case', 'end', caseId, '--reason', 'done'], async () =>
    (await world.witness.of(caseId)).some(({ type }) => type === 'readmit.revocation.due'),
  );
}

/** Picks up the sealed secret. The file is written before the acknowledgement, so it shows whether the command was carried out. */
async function pickUp(world: World, recovery: Recovery, persona: string, key: readonly string[]): Promise<Record<string, string>> {
  const file = secretFileOf(world, recovery);
  const content = (): Promise<string | undefined> =>
    readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
  await runUntilDone(
    world,
    persona,
    ['secret', 'pick-up', recovery.caseId, ...key, '--out', file],
    async () => (await content()) !== undefined,
  );
  const secret = JSON.parse((await content()) ?? '') as Record<string, string>;
  await rm(file);
  return secret;
}

/** The consumer takes over the new secret, and stays signed in with it until `leave` is called. */
export async function takeOver(world: World, recovery: Recovery): Promise<{ readonly username: string; leave(): Promise<void> }> {
  const key = path.join(world.system.stateDir, 'demo', 'consumers', 'payroll-app.json');
  const { username, password } = await pickUp(world, recovery, 'payroll-app', ['--key', key]);
  if (!username || !password) throw new Error('the secret is not a credential');
  const client = new pg.Client({ host: '127.0.0.1', port: world.system.target.port, user: username, password, database: 'target' });
  client.on('error', () => undefined);
  await client.connect();
  return { username, leave: () => client.end() };
}

/** The person uses the bypass to enrol a new factor. */
export async function enrol(world: World, recovery: Recovery): Promise<void> {
  const { code } = await pickUp(world, recovery, recovery.object, []);
  const { url, people } = world.system.demo;
  const post = async (to: string, body: unknown, session?: string): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}/demo/${to}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(session === undefined ? {} : { authorization: `Bearer ${session}` }) },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${to}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  const { session } = await post('sign-in', { username: recovery.object, password: people[recovery.object]?.password, bypass: code });
  const begun = await post('factors', {}, String(session));
  const totp = URI.parse(String(begun['uri'] ?? begun['otpauth'] ?? ''));
  if (!(totp instanceof TOTP)) throw new Error('the demo offers no TOTP factor');
  await post('factors', { code: totp.generate() }, String(session));
}
