/** docs/identity-providers.md: its commands over HTTP, run with curl as they stand there, and its table of refusals. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signalLimits, signalRefusals, signalTypeNames } from '@readmit/contracts';
import { blockOf } from '@readmit/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startIntake, type RunningIntake } from '../../apps/intake/test/running-intake.js';
import { page, run } from './page.js';

let intake: RunningIntake;
let folder: string;
beforeAll(async () => {
  intake = await startIntake({}, 'embedded');
  folder = await mkdtemp(path.join(tmpdir(), 'signals-page-'));
});
afterAll(async () => {
  await intake.close();
  await rm(folder, { recursive: true });
});

describe('the page for identity providers', () => {
  it('R8.2 has commands with which curl publishes a signal in structured and in binary mode', async () => {
    const makeEvent = blockOf('docs/identity-providers.md', 'The event');
    const structured = blockOf('docs/identity-providers.md', 'Over HTTP', 1);
    const binary = blockOf('docs/identity-providers.md', 'Over HTTP', 2);
    const env = { READMIT_URL: intake.url, TOKEN: await intake.token({ client_id: 'acme' }), ID: 'page-1' };
    await run(makeEvent, folder, env);
    const answers = [await run(structured, folder, env), await run(structured, folder, env), await run(binary, folder, env)];
    expect(answers.map((answer) => JSON.parse(answer) as object)).toEqual([
      { signalId: expect.stringMatching(/^acme:[0-9a-f]{32}$/), repeated: false },
      { signalId: expect.stringMatching(/^acme:[0-9a-f]{32}$/), repeated: true },
      { signalId: expect.stringMatching(/^acme:[0-9a-f]{32}$/), repeated: false },
    ]);
    const said = await intake.emitted('readmit.signal.received');
    expect(said.map(({ key, data }) => [key, data['provider'], data['kind']])).toEqual([
      ['subject:ada', 'acme', 'account-locked'],
      ['subject:ada', 'acme', 'account-locked'],
    ]);
    const stranger = { ...env, TOKEN: await intake.token({ client_id: 'mallory' }) };
    await expect(run(structured, folder, stranger)).rejects.toMatchObject({ stdout: expect.stringContaining('not-a-provider') });
  });

  it('R8.3 has every reason for which a signal is not taken, word for word, and no other', () => {
    const [, table = ''] = page.split('\n## Refusal reasons\n');
    const rows = [...table.matchAll(/^\| `([a-z0-9-]+)` +\| (.+?) +\|$/gm)].map(([, name, means]) => [name, means]);
    const { 'handler-failed': ours, ...provider } = Object.fromEntries(rows) as Record<string, string>;
    expect(provider).toEqual(signalRefusals);
    expect(ours).toContain('a bug');
  });

  it('R8.2 has the types and bounds of the contract', () => {
    for (const type of signalTypeNames) expect(page).toContain(`\`${type}\``);
    expect(page).toContain(`at most ${signalLimits.maxAgeDays} days ago and ${signalLimits.aheadSeconds / 60} minutes ahead`);
    expect(page).toContain(`at most ${signalLimits.subjectLength}`);
  });
});
