/** docs/identity-providers.md: runs its curl commands as they are, and checks its table of refusals. */
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
  it('R8.2 has curl commands that publish a signal in structured and in binary mode', async () => {
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
    const received = await intake.emitted('readmit.signal.received');
    expect(received.map(({ key, data }) => [key, data['provider'], data['kind']])).toEqual([
      ['subject:ada', 'acme', 'account-locked'],
      ['subject:ada', 'acme', 'account-locked'],
    ]);
    const stranger = { ...env, TOKEN: await intake.token({ client_id: 'mallory' }) };
    await expect(run(structured, folder, stranger)).rejects.toMatchObject({ stdout: expect.stringContaining('not-a-provider') });
  });

  it('R8.3 has exactly the reasons for which a signal is refused, with the same texts', () => {
    const [, table = ''] = page.split('\n## Refusal reasons\n');
    const rows = [...table.matchAll(/^\| `([a-z0-9-]+)` +\| (.+?) +\|$/gm)].map(([, name, means]) => [name, means]);
    const { 'handler-failed': internal, ...provider } = Object.fromEntries(rows) as Record<string, string>;
    expect(provider).toEqual(signalRefusals);
    expect(internal).toContain('a bug');
  });

  it('R8.2 has the types and limits in the contract', () => {
    for (const type of signalTypeNames) expect(page).toContain(`\`${type}\``);
    expect(page).toContain(`at most ${signalLimits.maxAgeDays} days ago and ${signalLimits.aheadSeconds / 60} minutes ahead`);
    expect(page).toContain(`at most ${signalLimits.subjectLength}`);
  });
});
