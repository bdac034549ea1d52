import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { engineCrypto } from '@readmit/signing';
import { codeOf } from '@readmit/domain';
import type { Stage, System } from '@readmit/standalone';
import { TOTP, URI } from 'otpauth';
import pg from 'pg';
import { until } from '@readmit/testing';
import type { Seen, Witness } from './witness.js';

/** One way back in, from the request to its end. */
export interface Recovery {
  readonly kind: 'role' | 'bypass' | 'secret';
  /** Who or what it is for: a login at the target, a person of the demo, a service account. */
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
/** The CLI's exit codes for "not yet" and "a service is away". */
const comeAgain = [7, 8];
/** With every service dying again and again, on a machine that has other things to do. */
const stepMs = 180_000;

/** Repeats a command that a dead service did not answer, but never one that was carried out: it looks first (`done`). */
async function insist(world: World, persona: string, argv: readonly string[], done: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + stepMs;
  while (!(await done())) {
    const ran = await world.stage.cli(persona, argv, { quiet: true });
    if (ran.code === 0) return;
    const said = `readmit ${argv.join(' ')} ended with ${ran.code}: ${ran.stderr.trim() || ran.stdout.trim()}`;
    if (!comeAgain.includes(ran.code) || performance.now() > end) throw new Error(said);
    await delay(100);
    await world.witness.untilSent();
  }
}
/** A read, repeated until it is answered. */
async function ask(world: World, persona: string, argv: readonly string[]): Promise<unknown> {
  const end = performance.now() + stepMs;
  for (;;) {
    const ran = await world.stage.cli(persona, argv, { quiet: true });
    if (ran.code === 0) return ran.json;
    if (!comeAgain.includes(ran.code) || performance.now() > end) throw new Error(`readmit ${argv.join(' ')}: ${ran.stderr || ran.stdout}`);
    await delay(100);
  }
}

/** Logins at the target that read reports and lost `app_admin`. */
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

/** Opens the case; once, also when the answer is lost and the command is run again. */
export async function open(world: World, recovery: Recovery, duration: string): Promise<void> {
  const { object } = recovery;
  const ticket = ['--ticket', 'OPS-4711'];
  const argv = {
    role: ['--subject', 'erin', '--ask', `role.restore=target-postgres/${object}/app_admin`, '--reason-code', 'role-lost', ...ticket],
    bypass: ['--anonymous', '--subject', object, '--ask', `factor.bypass=demo-idp/${object}`, '--reason-code', 'lost-device'],
    secret: ['--machine', 'svc-payroll', '--ask', `secret.reissue=target-postgres/${object}`, '--reason-code', 'secret-dead', ...ticket],
  }[recovery.kind];
  const persona = { role: 'erin', bypass: object, secret: 'pat' }[recovery.kind];
  await insist(
    world,
    persona,
    ['case', 'open', ...argv, '--reason', 'lost in the incident', '--for', duration],
    // Only its answer brings the key that a bypass is picked up with.
    () => Promise.resolve(false),
  );
  // On Kafka the answer may come before the event is on its topic.
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
/** Cases that ask for the very thing. */
export async function casesOf({ witness }: World, { object }: Pick<Recovery, 'object'>): Promise<readonly string[]> {
  const asks = ({ type, data }: Seen): boolean =>
    type === 'readmit.case.opened' && (data['asks'] as readonly { object: string }[]).some((one) => one.object === object);
  return [...new Set((await witness.look()).filter(asks).map(({ key }) => key))];
}

/** From the opened case to the success of its execution: evidence, decisions. */
export async function drive(world: World, recovery: Recovery): Promise<void> {
  const { witness } = world;
  const { caseId } = recovery;
  await witness.until(caseId, 'readmit.plan.proposed', stepMs);
  const opened = await witness.until(caseId, 'readmit.case.opened', stepMs);
  const evidence = async (kind: string, channel: string, more: readonly string[] = []): Promise<void> =>
    insist(
      world,
      'boris',
      ['evidence', 'add', caseId, '--kind', kind, '--channel', channel, '--assurance', 'substantial', '--note', 'checked', ...more],
      async () => (await witness.of(caseId)).some((fact) => fact.type === 'readmit.evidence.added' && fact.data['kind'] === kind),
    );
  if (recovery.kind === 'secret') await evidence('owner-confirmation', 'directory');
  else {
    const contacts = (await ask(world, 'boris', ['case', 'contacts', caseId])) as readonly { kind: string; digest: string }[];
    const contact = contacts.find(({ kind }) => kind === 'phone' || kind === 'mobile')?.digest ?? '';
    const { fingerprint } = opened.caseKey ?? {};
    const { codeNonce } = await witness.until(caseId, 'readmit.case.classified', stepMs);
    // What the person reads out over the phone, as the CLI shows it to her.
    const read = fingerprint === undefined || codeNonce === undefined ? [] : ['--code', codeOf(codeNonce, fingerprint, engineCrypto)];
    await evidence('call-back', 'phone', ['--contact', contact, ...read]);
    if (recovery.kind === 'bypass') await evidence('manager-vouch', 'directory');
  }
  await witness.until(caseId, 'readmit.approval.requested', stepMs);
  for (const approver of recovery.kind === 'bypass' ? ['chidi'] : ['chidi', 'dana'])
    await insist(
      world,
      approver,
      ['approve', caseId, '--reason', 'plan and proofs checked', '--key', path.join(keysOf(world), `${approver}.jwk`), '--yes'],
      async () => (await witness.of(caseId)).some((fact) => fact.type === 'readmit.decision.recorded' && decidedBy(fact) === approver),
    );
  await witness.until(caseId, 'readmit.execution.succeeded', stepMs);
}
const decidedBy = ({ data }: Seen): string => (data['decision'] as { statement: { approver: string } }).statement.approver;

/** Who has it back gives it up before its end. */
export async function endEarly(world: World, { caseId }: Recovery): Promise<void> {
  await insist(world, 'erin', ['case', 'end', caseId, '--reason', 'done'], async () =>
    (await world.witness.of(caseId)).some(({ type }) => type === 'readmit.revocation.due'),
  );
}

/** Picks up what is sealed: the file is written before it is acknowledged, so it tells whether the command did its work. */
async function pickUp(world: World, recovery: Recovery, persona: string, key: readonly string[]): Promise<Record<string, string>> {
  const file = secretFileOf(world, recovery);
  const there = (): Promise<string | undefined> =>
    readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
  await insist(world, persona, ['secret', 'pick-up', recovery.caseId, ...key, '--out', file], async () => (await there()) !== undefined);
  const secret = JSON.parse((await there()) ?? '') as Record<string, string>;
  await rm(file);
  return secret;
}

/** The consumer takes the new secret over: it stays signed in with it until the returned function is called. */
export async function takeOver(world: World, recovery: Recovery): Promise<{ readonly username: string; leave(): Promise<void> }> {
  const key = path.join(world.system.stateDir, 'demo', 'consumers', 'payroll-app.json');
  const { username, password } = await pickUp(world, recovery, 'payroll-app', ['--key', key]);
  if (!username || !password) throw new Error('the secret is no credential');
  const client = new pg.Client({ host: '127.0.0.1', port: world.system.target.port, user: username, password, database: 'target' });
  client.on('error', () => undefined);
  await client.connect();
  return { username, leave: () => client.end() };
}

/** The person uses the bypass for what it is for: to enrol a new factor. */
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
