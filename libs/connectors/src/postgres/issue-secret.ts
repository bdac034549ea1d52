import { randomBytes } from 'node:crypto';
import type { Plan, RecipientKey, Step } from '@readmit/contracts';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { TargetError, type StepResult } from '../connector.js';
import { recipientsOf, sealSecret } from '../seal-secret.js';
import { mustBeAsPlanned } from '../as-planned.js';
import { mustSee } from './end-sessions.js';
import { plannedValue } from '../plan-identity.js';
import { plannedOid } from './identity.js';
import { withMark, withoutEnd } from './login-mark.js';
import { setEnd } from './old-login-end.js';
import { scramVerifier } from './scram-verifier.js';
import {
  accountFacets,
  loginsOfCase,
  loginsOfPlan,
  ownerOid,
  proofApplication,
  readLogins,
  type Login,
  type ServiceAccount,
} from './service-account.js';
import { withSession, type SessionOptions, type TargetSession } from './target-session.js';

/** Keeps the statement with the verifier out of the server's log; requires GRANT SET ON PARAMETER. */
const quiet =
  "SELECT set_config('log_statement', 'none', true), set_config('log_min_duration_statement', '-1', true), set_config('log_min_error_statement', 'panic', true)";

interface Issue {
  readonly caseId: string;
  readonly step: Step;
  readonly plan: Plan;
  readonly owner: string;
  /** Name of the new login if there is none yet. */
  readonly name: string;
  /** Oid of the free login in the plan, if there was one. */
  readonly planned: string | undefined;
}

/**
 * Sets a new secret on the next login, proves it by logging in, sets the native expiry of the old login, and returns the sealed secret.
 * Sealed first: a secret that cannot be sealed is never set. The plain secret never leaves this function. Called again, it sets another
 * secret, because the first one may have been lost.
 */
export async function issueSecret(
  options: SessionOptions,
  account: ServiceAccount,
  step: Step,
  given: { readonly caseId: string; readonly plan: Plan; readonly recipients: readonly RecipientKey[] },
  signal: AbortSignal,
): Promise<StepResult> {
  const { caseId, plan } = given;
  const recipients = recipientsOf(step.recipients, given.recipients);
  const { next, old } = loginsOfPlan(plan, step.connector, account);
  const planned = plannedValue(step.identity, 'login');
  const issue: Issue = { caseId, step, plan, owner: plannedOid(step.identity, 'owner'), name: next.object, planned };
  return withSession(options, signal, async (session) => {
    await mustSee(session);
    const username = (await loginToTake(session, account, issue))?.name ?? next.object;
    const password = randomBytes(24).toString('base64url');
    const { host, port, database } = options.address;
    const sealed = await sealSecret({ connector: step.connector, object: username, username, password, host, port, database }, recipients);
    const oid = await session.transaction(() => make(session, account, issue, { username, password }));
    await prove(options, { login: username, oid, password, owner: issue.owner }, signal);
    // Only now: a new secret that does not work must not shorten the life of the old one.
    if (old) await setEnd(session, account, old, caseId);
    return {
      after: accountFacets(account, await ownerOid(session, account), await readLogins(session, account)),
      sealed,
      made: [{ name: 'login', value: oid }],
    };
  });
}

/**
 * The login for the new secret: the one that this case has taken already, otherwise the free one in the plan; undefined if it must be
 * created. Throws `changed` if anything differs from the plan, except what this case changed itself.
 */
async function loginToTake(
  session: TargetSession,
  account: ServiceAccount,
  { caseId, step, plan, owner, name, planned }: Issue,
): Promise<Login | undefined> {
  const [taken] = await loginsOfCase(session, account, { caseId, planned });
  const logins = await readLogins(session, account);
  mustBeAsPlanned(plan, accountFacets(account, await ownerOid(session, account), logins), taken ? step.touches : []);
  const [executor] = await session.rows<{ oid: string }>('SELECT oid::text FROM pg_roles WHERE rolname = current_user');
  if ((await ownerOid(session, account)) !== owner || executor?.oid !== plannedOid(step.identity, 'grantor'))
    throw new TargetError(`role ${account.ownerRole} or the executor is not the same role as when the plan was made`, 'none', 'changed');
  if (taken) return taken;
  const free = logins.find((login) => login.name === name);
  if (free?.oid === undefined) return undefined;
  if (free.oid !== planned || free.state !== 'no-login')
    throw new TargetError(`login ${name} is not the free one in the plan`, 'none', 'changed');
  return free;
}

/** Creates or opens the login, grants it the owner role and marks it as this case's, in one transaction. Returns its oid. */
async function make(
  session: TargetSession,
  account: ServiceAccount,
  issue: Issue,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<string> {
  await session.rows(quiet);
  const take = await loginToTake(session, account, issue);
  if ((take?.name ?? issue.name) !== username) throw new TargetError(`login ${username} was renamed just now`, 'none', 'changed');
  const login = escapeIdentifier(username);
  // No VALID UNTIL on the new login: nobody would lift it after the take-over, and the target would end a secret that is in use.
  await session.rows(
    `${take ? 'ALTER' : 'CREATE'} ROLE ${login} LOGIN PASSWORD ${escapeLiteral(scramVerifier(password))} VALID UNTIL 'infinity'`,
  );
  await session.rows(`GRANT ${escapeIdentifier(account.ownerRole)} TO ${login} WITH ADMIN FALSE, INHERIT TRUE, SET TRUE`);
  // Notes of earlier cases no longer apply, including the end of this login as an old one.
  const comment = withMark({ caseId: issue.caseId, account: account.object }, withoutEnd(take?.comment ?? ''));
  await session.rows(`COMMENT ON ROLE ${login} IS ${escapeLiteral(comment)}`);
  const made = (await loginsOfCase(session, account, issue)).filter(({ name }) => name === username);
  const [one] = made;
  if (!one || (take && one.oid !== take.oid) || one.state !== 'login' || !one.member || (await ownerOid(session, account)) !== issue.owner)
    throw new TargetError(`login ${username} at the target is not as it was created`, 'none', 'changed');
  return one.oid;
}

/** PostgreSQL would accept a malformed verifier as a plain password: only logging in proves it. */
async function prove(
  options: SessionOptions,
  secret: { readonly login: string; readonly oid: string; readonly password: string; readonly owner: string },
  signal: AbortSignal,
): Promise<void> {
  const address = { ...options.address, user: secret.login, password: secret.password };
  try {
    await withSession({ ...options, address, applicationName: proofApplication }, signal, async (session) => {
      const [who] = await session.rows<{ oid: string; owns: boolean }>(
        "SELECT oid::text, pg_has_role($1::oid, 'USAGE') AS owns FROM pg_roles WHERE rolname = current_user",
        [secret.owner],
      );
      if (who?.oid !== secret.oid || !who.owns)
        throw new TargetError(`${secret.login} can log in but is not a member of the owner role`, 'unknown', 'refused');
    });
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    throw new TargetError(`the new login ${secret.login} could not be proved: ${error.message}`, 'unknown', error.code, { cause: error });
  }
}
