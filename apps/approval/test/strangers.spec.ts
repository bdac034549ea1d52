/** What a stranger's key can do at approval's routes. Not here: how possession of a key is proved. */
import { describe, expect, it } from '@jest/globals';
import type { Commands } from '@readmit/runtime';
import type { Fact } from '@readmit/contracts';
import { Facts, type Crypto } from '@readmit/domain';
import type { Call } from '@readmit/service';
import { ApprovalController } from '../src/inbound/approval.controller.js';

const signing = (x: string) => ({ kty: 'OKP' as const, crv: 'Ed25519' as const, x });
const opened = (caseKey?: object) =>
  ({ id: '1', type: 'readmit.case.opened', at: '2026-11-22T09:00:00.000Z', data: { caseId: 'case_1', caseKey } }) as unknown as Fact;

/** Approval with these facts; `commands` counts what was recorded. */
function approval(facts: readonly Fact[]) {
  const commands: string[] = [];
  const versions: (number | undefined)[] = [];
  const ports = {
    facts: () => Promise.resolve(new Facts(facts)),
    command: (about: { readonly name: string; readonly ifVersion?: number }) => {
      commands.push(about.name);
      versions.push(about.ifVersion);
      return Promise.resolve({ reply: {} });
    },
  } as unknown as Commands;
  const controller = new ApprovalController({
    commands: ports,
    store: { query: () => Promise.resolve([]) },
    crypto: {} as Crypto,
    publicUrl: 'http://test',
    now: () => new Date(0),
  });
  const withdraw = (who: object) =>
    controller.withdraw({ params: { caseId: 'case_1' }, requestId: 'r', ...who } as unknown as Call<'withdraw'>).then(
      () => 'taken',
      (error: { readonly reason?: string }) => error.reason,
    );
  return { commands, versions, withdraw };
}

describe('withdrawing', () => {
  it("R8.3 with a stranger's key reveals nothing and records nothing", async () => {
    const { commands, withdraw } = approval([opened({ signing: signing('ada') })]);
    expect(await withdraw({ proof: { signing: signing('mallory') } })).toBe('case-unknown');
    expect(commands).toEqual([]);
    expect(await withdraw({ proof: { signing: signing('ada') } })).toBe('taken');
    expect(commands).toEqual(['withdraw']);
  });
  it('R8.3 a case without a key is refused for every key', async () => {
    const { commands, withdraw } = approval([opened()]);
    expect(await withdraw({ proof: { signing: signing('mallory') } })).toBe('case-unknown');
    expect(commands).toEqual([]);
  });
  it('R7.1 by a person who is signed in is recorded', async () => {
    const { commands, withdraw } = approval([opened({ signing: signing('ada') })]);
    expect(await withdraw({ actor: { id: 'mallory', teams: [] } })).toBe('taken');
    expect(commands).toEqual(['withdraw']);
  });
  it('R4.4 passes the version that the caller saw to the engine, which refuses a stale one', async () => {
    const { versions, withdraw } = approval([opened({ signing: signing('ada') })]);
    await withdraw({ proof: { signing: signing('ada') }, ifMatch: 7 });
    await withdraw({ proof: { signing: signing('ada') } });
    expect(versions).toEqual([7, undefined]);
  });
  it('R8.1 a case that is not known yet is refused as not ready, and not recorded', async () => {
    const { commands, withdraw } = approval([]);
    expect(await withdraw({ proof: { signing: signing('ada') } })).toBe('not-ready');
    expect(commands).toEqual([]);
  });
});
