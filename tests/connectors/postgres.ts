import { postgresConnector, scramVerifier } from '@readmit/connectors';
import { startTestTarget, payroll, type Target } from '../../libs/connectors/test/postgres-target.js';
import type { Harness } from './harness.js';

const connector = 'target-postgres';
const secret = (kind: 'secret.rotate' | 'secret.reissue') => ({ ask: { id: 'ask-1', kind, connector, object: payroll.object } });

export function postgresHarness(): Harness {
  let target: Target | undefined;
  const running = async (): Promise<Target> => (target ??= await startTestTarget());
  return {
    asks: [
      { ask: { id: 'ask-1', kind: 'role.restore', connector, object: 'erin', entitlement: 'app_admin' } },
      secret('secret.rotate'),
      secret('secret.reissue'),
    ],
    async fresh() {
      const { admin, connector: real } = await running();
      await admin(`
        REVOKE app_admin FROM erin GRANTED BY readmit_exec;
        DROP ROLE IF EXISTS payroll_a; DROP ROLE IF EXISTS payroll_b;
        CREATE ROLE payroll_a LOGIN PASSWORD '${scramVerifier('the-old-secret')}';
        GRANT payroll_a TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
        GRANT payroll TO payroll_a GRANTED BY readmit_exec`);
      return real;
    },
    at: (port) => postgresConnector({ name: connector, url: elsewhere(port), roles: [payroll], callTimeoutMs: 5000 }),
    entry: () => ({ kind: 'postgres', url: target?.executorUrl, accounts: [payroll] }),
    secrets: () => [new URL(target?.executorUrl ?? '').password, target?.executorUrl ?? ''],
    stop: async () => target?.stop(),
  };

  function elsewhere(port: number): string {
    const url = new URL(target?.executorUrl ?? '');
    url.port = String(port);
    return url.href;
  }
}
