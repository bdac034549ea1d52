import { demoIdpConnector } from '@readmit/connectors';
import type { AskKind } from '@readmit/contracts';
import { startDemo, type Demo } from '../../apps/demo/src/index.js';
import type { AskHere, Harness } from './harness.js';

const connector = 'demo-idp';
const factors = [`${connector}/ada/factors`];

export function demoIdpHarness(): Harness {
  let demo: Demo | undefined;
  const here = (): Demo => {
    if (!demo) throw new Error('the demo is not running');
    return demo;
  };
  const of = (kind: AskKind, more: Omit<AskHere, 'ask'> = {}): AskHere => ({
    ask: { id: 'ask-1', kind, connector, object: 'ada' },
    ...more,
  });
  const at = (url: string, tokenUrl: string) =>
    demoIdpConnector({ name: connector, url, tokenUrl, ...here().clients['readmit-execution'] });
  return {
    asks: [
      of('factor.replace', { lasting: factors }),
      of('factor.bypass'),
      of('factor.reset', { lasting: factors }),
      of('account.unlock', { need: lockAda }),
    ],
    async fresh() {
      await demo?.stop();
      demo = await startDemo({ env: {}, log: () => undefined });
      return at(demo.url, demo.tokenUrl);
    },
    at: (port) => at(`http://127.0.0.1:${port}`, `http://127.0.0.1:${port}/token`),
    entry: () => ({ kind: 'demo-idp', url: here().url, tokenUrl: here().tokenUrl, ...here().clients['readmit-execution'] }),
    secrets: () => [here().clients['readmit-execution'].clientSecret],
    stop: async () => demo?.stop(),
  };

  /** Locks the account by wrong sign-ins. */
  async function lockAda(): Promise<void> {
    const ada = here().people['ada'];
    for (let tries = 0; tries < 20; tries++) {
      const response = await fetch(`${here().url}/demo/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: ada?.username, password: 'a wrong password' }),
      });
      if (((await response.json()) as { reason?: string }).reason === 'account-locked') return;
    }
    throw new Error('the account was not locked');
  }
}
