import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { scramVerifier } from './scram-verifier.js';
import type { ServiceAccount } from './service-account.js';

/**
 * What the target's administrator does once: creates the executor's login and grants it exactly what the connector needs. It may grant the
 * named roles and cannot use them itself (INHERIT FALSE, SET FALSE). Idempotent; the password is set each time.
 */
export async function prepareExecutor(
  ownerUrl: string,
  options: {
    readonly executor: string;
    readonly password: string;
    readonly grantable: readonly string[];
    readonly accounts: readonly ServiceAccount[];
  },
): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const executor = escapeIdentifier(options.executor);
    const has = async (role: string): Promise<boolean> =>
      (await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role])).rowCount === 1;
    const verifier = escapeLiteral(scramVerifier(options.password));
    await client.query('BEGIN');
    await client.query(
      `${(await has(options.executor)) ? 'ALTER' : 'CREATE'} ROLE ${executor} LOGIN CREATEROLE NOSUPERUSER PASSWORD ${verifier}`,
    );
    const grantedRoles = [...options.grantable, ...options.accounts.map(({ ownerRole }) => ownerRole)];
    for (const { logins } of options.accounts) for (const login of logins) if (await has(login)) grantedRoles.push(login);
    for (const role of grantedRoles)
      await client.query(`GRANT ${escapeIdentifier(role)} TO ${executor} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`);
    await client.query(`GRANT pg_signal_backend, pg_read_all_stats TO ${executor}`);
    await client.query(`GRANT SET ON PARAMETER log_statement, log_min_duration_statement, log_min_error_statement TO ${executor}`);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
