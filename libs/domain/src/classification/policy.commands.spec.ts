/** What is recorded about the policy when the service starts. */
import { describe, expect, it } from '@jest/globals';
import type { Fact, Policy } from '@readmit/contracts';
import type { Context } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { activatePolicy, type ActivePolicy } from './policy.commands.js';

const policy = (version: string, content: string): ActivePolicy => ({
  document: { version, content } as unknown as Policy,
  digest: content.repeat(64).slice(0, 64),
});
const activated = (id: string, { document, digest }: ActivePolicy): Fact =>
  ({
    id,
    type: 'readmit.policy.activated',
    at: `2026-11-22T09:00:0${id}.000Z`,
    data: { version: document.version, digest, document },
  }) as unknown as Fact;
const start = (is: ActivePolicy, ...before: Fact[]) => activatePolicy(is)(new Facts(before), {} as Context);

describe('a policy at the start', () => {
  it('R9.1 is recorded once', () => {
    expect(start(policy('v1', 'a'))).toMatchObject({
      emit: [{ type: 'readmit.policy.activated', key: 'policy', data: { version: 'v1' } }],
    });
    expect(start(policy('v1', 'a'), activated('1', policy('v1', 'a')))).toMatchObject({ emit: [] });
    expect(start(policy('v2', 'b'), activated('1', policy('v1', 'a')))).toMatchObject({ emit: [{ data: { version: 'v2' } }] });
  });

  it('R9.1 with another content under a version that is on record is refused, also when others came between, and says what to do', () => {
    const refused = start(policy('v1', 'b'), activated('1', policy('v1', 'a')), activated('2', policy('v2', 'c')));
    expect(refused).toMatchObject({ refused: true, rule: 'R9.1', reason: 'policy-version-reused' });
    expect((refused as { message: string }).message).toContain(
      'Policy v1 is already recorded with different content (aaaaaaaaaaaaaaaa, since 2026-11-22T09:00:01.000Z; the file has bbbbbbbbbbbbbbbb). Give the file a new version',
    );
    // The control: the original content of v1.
    expect(start(policy('v1', 'a'), activated('1', policy('v1', 'a')), activated('2', policy('v2', 'c')))).toMatchObject({
      emit: [{ data: { version: 'v1' } }],
    });
  });
});
