/** Who may see a plan, and which key gets what is sealed to it. Not here: how possession of a key is proved. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Commands } from '@readmit/runtime';
import type { Fact, RecipientKey } from '@readmit/contracts';
import { Facts } from '@readmit/domain';
import type { Call } from '@readmit/service';
import type { Store } from '@readmit/store';
import { ExecutionController } from '../src/inbound/execution.controller.js';

type Key = RecipientKey;
const digest = (name: string): Buffer => createHash('sha256').update(name).digest();
const recipient = (name: string): Key => ({
  signing: { kty: 'OKP', crv: 'Ed25519', x: digest(`${name} signs`).toString('base64url') },
  sealing: { kty: 'OKP', crv: 'X25519', x: digest(`${name} opens`).toString('base64url') },
  fingerprint: digest(name).toString('hex'),
});
const at = '2026-11-22T09:00:00.000Z';
const fact = (type: Fact['type'], data: object) => ({ id: type, type, at, data: { caseId: 'case_1', ...data } }) as unknown as Fact;
const opened = (data: object) => fact('readmit.case.opened', { subject: { kind: 'person', id: 'ada' }, ...data });
const consumers = (list: readonly { readonly id: string; readonly key: Key }[]) =>
  fact('readmit.people.attested', {
    directory: { digest: 'd', issuedAt: at, ageSeconds: 1 },
    people: [],
    contacts: [],
    consumers: list,
  });

/** Sealed secrets by recipient. */
const sealed = new Map<string, string>();
const commanded: string[] = [];
beforeEach(() => {
  sealed.clear();
  commanded.length = 0;
});

function execution(facts: readonly Fact[]) {
  const controller = new ExecutionController({
    commands: {
      facts: () => Promise.resolve(new Facts(facts)),
      command: ({ actor }: { readonly actor: string }) => {
        commanded.push(actor);
        return Promise.resolve({ reply: {} });
      },
    } as unknown as Commands,
    store: {
      query: (_sql: string, [, to]: readonly string[]) => {
        const jwe = sealed.get(to ?? '');
        return Promise.resolve(jwe === undefined ? [] : [{ jwe, ciphertext_digest: `of ${jwe}` }]);
      },
    } as unknown as Store,
  });
  const call = (key: Key | undefined, more: object = {}) =>
    ({ params: { caseId: 'case_1' }, requestId: 'r', ...(key ? { proof: { signing: key.signing } } : {}), ...more }) as never;
  const reason = (error: { readonly reason?: string }) => error.reason;
  return {
    show: (id?: string, teams: readonly string[] = []) =>
      controller
        .show(call(undefined, id === undefined ? {} : { actor: { id, teams } }) as Call<'showPlan'>)
        .then(({ caseId }) => caseId, reason),
    pickUp: (key?: Key) => controller.pickUp(call(key) as Call<'pickUpSecret'>).then(({ jwe }) => jwe, reason),
    acknowledge: (key: Key, ciphertextDigest: string) =>
      controller.acknowledge(call(key, { body: { ciphertextDigest } }) as Call<'acknowledgeSecret'>).then(() => 'acknowledged', reason),
  };
}

describe('a plan', () => {
  it('is shown to parties of the case, operators and auditors; for others the case does not exist', async () => {
    const { show } = execution([opened({ requester: { kind: 'person', id: 'boris' } })]);
    expect(await show('ada')).toBe('case_1');
    expect(await show('boris')).toBe('case_1');
    expect(await show('gita', ['platform-operators'])).toBe('case_1');
    expect(await show('hana', ['auditors'])).toBe('case_1');
    expect(await show('mallory')).toBe('not-ready');
    expect(await show('mallory', ['security-oncall'])).toBe('not-ready');
    expect(await show()).toBe('not-ready');
    expect(await execution([]).show('ada')).toBe('not-ready');
  });
});

describe('a sealed secret', () => {
  const [ada, mallory] = [recipient('ada'), recipient('mallory')];

  it('R2.6 goes to the requester’s key; any other key learns only that there is nothing for it', async () => {
    const { pickUp } = execution([opened({ caseKey: ada })]);
    sealed.set(ada.fingerprint, 'for ada');
    expect(await pickUp(ada)).toBe('for ada');
    expect(await pickUp(mallory)).toBe('nothing-to-pick-up');
    expect(await pickUp()).toBe('nothing-to-pick-up');
    expect(await execution([]).pickUp(mallory)).toBe('nothing-to-pick-up');
  });

  it('R2.6 of a machine goes to each consumer under its own key, and not to the requester', async () => {
    const [job, report] = [recipient('job'), recipient('report')];
    const { pickUp } = execution([
      opened({ subject: { kind: 'machine', id: 'svc-payroll' }, caseKey: mallory }),
      consumers([
        { id: 'job', key: job },
        { id: 'report', key: report },
      ]),
    ]);
    for (const key of [job, report, mallory]) sealed.set(key.fingerprint, `for ${key.fingerprint}`);
    expect(await pickUp(job)).toBe(`for ${job.fingerprint}`);
    expect(await pickUp(report)).toBe(`for ${report.fingerprint}`);
    expect(await pickUp(mallory)).toBe('nothing-to-pick-up');
  });

  it('R2.6 can be acknowledged only with the key that it is sealed to', async () => {
    const { acknowledge } = execution([opened({ caseKey: ada })]);
    sealed.set(ada.fingerprint, 'for ada');
    expect(await acknowledge(mallory, 'of for ada')).toBe('nothing-to-pick-up');
    expect(await acknowledge(ada, 'of an earlier one')).toBe('ciphertext-unknown');
    expect(commanded).toEqual([]);
    expect(await acknowledge(ada, 'of for ada')).toBe('acknowledged');
    expect(commanded).toEqual(['requester']);
  });
});
