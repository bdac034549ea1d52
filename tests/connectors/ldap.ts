import { connectorKinds, type Connector } from '@readmit/connectors';
import { blockOf, testOpenLdap, type TestOpenLdap } from '@readmit/testing';
import { badPasswords, dnOf } from '../../libs/connectors/test/ldap-target.js';
import type { Harness } from './harness.js';

const connector = 'directory';

export function ldapHarness(): Harness {
  let directory: TestOpenLdap | undefined;
  const here = (): TestOpenLdap => {
    if (!directory) throw new Error('the directory is not running');
    return directory;
  };
  return {
    asks: [
      { ask: { id: 'ask-1', kind: 'account.unlock', connector, object: 'erin' }, need: () => badPasswords(here(), dnOf('erin')) },
      { ask: { id: 'ask-1', kind: 'group.restore', connector, object: 'erin', entitlement: 'finance-admins' } },
    ],
    async fresh() {
      await directory?.remove();
      directory = await testOpenLdap();
      return at(directory.port);
    },
    at,
    entry: () => entryAt(directory?.port ?? 0),
    secrets: () => [here().executorPassword, here().admin.password],
    stop: async () => directory?.remove(),
  };

  /** With the settings on the page in docs, at another address. */
  function entryAt(port: number) {
    const [settings] = JSON.parse(blockOf('docs/targets.md', 'Connect your LDAP directory', 3)) as [{ readonly name: string }];
    return { ...settings, url: `ldap://127.0.0.1:${port}`, passwordFile: here().passwordFile };
  }
  function at(port: number): Connector {
    const kind = connectorKinds.find((one) => one.kind === 'ldap');
    if (!kind) throw new Error('there is no connector for LDAP');
    const changed = entryAt(port);
    kind.mustBeSafe(changed);
    return kind.open(changed, { callTimeoutMs: 5_000 });
  }
}
