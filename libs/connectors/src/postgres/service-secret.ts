import { randomBytes } from 'node:crypto';
import type { Plan, RecipientKey, Step, Undo } from '@readmit/contracts';
import { DatabaseError, escapeIdentifier, escapeLiteral } from 'pg';
import { TargetError, type StepResult, type UndoResult } from '../capability.js';
import { endSessions, mustSee } from './end-sessions.js';
import { scramVerifier } from './scram-verifier.js';
import { recipientsOf, sealSecret } from '../seal-secret.js';
import { accountFacets, loginsOfPlan, proofApplication, readLogins, type ServiceAccount } from './service-account.js';
import { withSession, type SessionOptions, type TargetSession } from './target-session.js';

/** Keeps the statement with the verifier out of the server's log; needs GRANT SET ON PARAMETER. */
const quiet =
  "SELECT set_config('log_statement', 'none', true), set_config('log_min_duration_statement', '-1', true), set_config('log_min_error_statement', 'panic', true)";

/**
 * Makes a new secret on the login that takes over, proves it by a login, gives the old login its native expiry, and returns
 * the secret sealed. The plain secret exists in this function only. Called again it makes another secret: one that may have
 * been lost on the way is void.
 */
export async function issueSecret(
  options: SessionOptions,
  account: ServiceAccount,
  step: Step,
  given: { readonly plan: Plan; readonly recipients: readonly RecipientKey[] },
  signal: AbortSignal,
): Promise<StepResult> {
  const recipients = recipientsOf(step.recipients, given.recipients);
  const { next, old } = loginsOfPlan(given.plan, step.connector, account);
  const overlapSeconds = given.plan.obligations.find((undo) => undo.object === old && undo.armedBy === 'success')?.afterSeconds ?? 0;
  return withSession(options, signal, async (session) => {
    await mustSee(session);
    const found = await readLogins(session, account);
    const before = found.find(({ name }) => name === next);
    if (old !== undefined && found.find(({ name }) => name === old)?.state === 'absent')
      throw new TargetError(`login ${old} is gone since the plan was made`, 'none', 'changed');
    const password = randomBytes(24).toString('base64url');
    const login = escapeIdentifier(next);
    await session.transaction(async () => {
      await session.rows(quiet);
      // No VALID UNTIL on the new login: once it has taken over nobody would lift it, and the target would end a secret in use.
      await session.rows(
        `${before?.state === 'absent' ? 'CREATE' : 'ALTER'} ROLE ${login} LOGIN PASSWORD ${escapeLiteral(scramVerifier(password))} VALID UNTIL 'infinity'`,
      );
      await session.rows(`GRANT ${escapeIdentifier(account.ownerRole)} TO ${login} WITH ADMIN FALSE, INHERIT TRUE, SET TRUE`);
    });
    await prove(options, account, { login: next, password }, signal);
    // Only now: a new secret that does not work must not shorten the life of the old one.
    if (old !== undefined) await expire(session, old, overlapSeconds);
    const target = new URL(options.url);
    const sealed = await sealSecret(
      {
        connector: step.connector,
        object: next,
        username: next,
        password,
        host: target.hostname,
        port: Number(target.port || 5432),
        database: decodeURIComponent(target.pathname.slice(1)),
      },
      recipients,
    );
    return { after: accountFacets(account, await readLogins(session, account)), sealed };
  });
}

/** A malformed verifier would be taken as a plain password without an error: only a login proves it. */
async function prove(
  options: SessionOptions,
  account: ServiceAccount,
  secret: { readonly login: string; readonly password: string },
  signal: AbortSignal,
): Promise<void> {
  const url = new URL(options.url);
  url.username = encodeURIComponent(secret.login);
  url.password = secret.password;
  try {
    await withSession({ ...options, url: url.href, applicationName: proofApplication }, signal, async (session) => {
      const [who] = await session.rows<{ me: string; owns: boolean }>("SELECT current_user::text AS me, pg_has_role($1, 'USAGE') AS owns", [
        account.ownerRole,
      ]);
      if (who?.me !== secret.login || !who.owns)
        throw new TargetError(`${secret.login} logs in without the rights of ${account.ownerRole}`, 'unknown', 'refused');
    });
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    throw new TargetError(`the new login ${secret.login} could not be proved: ${error.message}`, 'unknown', error.code, { cause: error });
  }
}

/** The target's own end of the overlap, by its clock. An earlier end that is already set is kept, so repeating does not extend it. */
async function expire(session: TargetSession, login: string, overlapSeconds: number): Promise<void> {
  const [end] = await session.rows<{ at: string }>(
    `SELECT to_char(least(coalesce(rolvaliduntil, 'infinity'), now() + make_interval(secs => $2)) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MSZ') AS at
     FROM pg_roles WHERE rolname = $1`,
    [login, overlapSeconds],
  );
  if (!end) throw new TargetError(`login ${login} is gone since the plan was made`, 'unknown', 'changed');
  await session.transaction(() => session.rows(`ALTER ROLE ${escapeIdentifier(login)} VALID UNTIL ${escapeLiteral(end.at)}`));
}

/**
 * Destroys one login: closes it, ends its sessions, drops it, reads back. Closing is committed before sessions are ended, else
 * a consumer that reconnects would slip in between. Only the login named by the obligation is touched.
 */
export async function destroySecret(session: TargetSession, account: ServiceAccount, undo: Undo, signal: AbortSignal): Promise<UndoResult> {
  await mustSee(session);
  const login = escapeIdentifier(undo.object);
  const oid = (await readLogins(session, account)).find(({ name }) => name === undo.object)?.oid;
  let sessionsEnded = 0;
  if (oid !== undefined) {
    await session.transaction(() => session.rows(`ALTER ROLE ${login} NOLOGIN PASSWORD NULL`));
    sessionsEnded += await endSessions(session, oid, signal);
    await session.transaction(() => dropOrRevoke(session, account, login));
    // By oid: a login that was just passing its authentication has no name in pg_stat_activity once the role is dropped.
    sessionsEnded += await endSessions(session, oid, signal);
  }
  await mustSee(session);
  const logins = await readLogins(session, account);
  const state = logins.find(({ name }) => name === undo.object)?.state;
  if (state !== 'absent' && state !== 'no-login')
    throw new TargetError(`${undo.object} can still log in after it was destroyed`, 'unknown', 'refused');
  return { readBack: accountFacets(account, logins), sessionsEnded };
}

/** A login that owns something or that somebody else made cannot be dropped: it stays closed and without a password. */
async function dropOrRevoke(session: TargetSession, account: ServiceAccount, login: string): Promise<void> {
  await session.rows(`REVOKE ${escapeIdentifier(account.ownerRole)} FROM ${login}`);
  await session.rows('SAVEPOINT before_drop');
  try {
    await session.rows(`DROP ROLE ${login}`);
  } catch (error) {
    if (!(error instanceof DatabaseError) || !['2BP01', '42501'].includes(error.code ?? '')) throw error;
    await session.rows('ROLLBACK TO SAVEPOINT before_drop');
  }
}
