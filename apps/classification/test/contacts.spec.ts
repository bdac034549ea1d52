/** Proves whose contact points count and who is shown them. Does not prove the directory's signature. */
import { describe, expect, it } from '@jest/globals';
import type { Commands, Work } from '@readmit/bus';
import type { Directory, Fact, Policy } from '@readmit/contracts';
import { Facts, type Context } from '@readmit/domain';
import type { Call } from '@readmit/service';
import { ContactsController } from '../src/inbound/contacts.controller.js';
import { classifyWork } from '../src/outbound/classify-work.js';
import { contactDigests, type DirectoryPort } from '../src/outbound/directory.js';

const at = '2026-11-22T09:00:00.000Z';
const person = (id: string, team: string) => ({
  id,
  human: id,
  teams: [team],
  authority: 1,
  employment: 'employee' as const,
  privileged: false,
  keys: [],
  name: id,
  contacts: [
    { kind: 'phone' as const, value: `phone of ${id}` },
    { kind: 'email' as const, value: `${id}@example.test` },
  ],
  accounts: [{ connector: 'idp', object: id }],
});
const directory: Directory = {
  version: 1,
  issuedAt: at,
  people: [person('ada', 'staff'), person('boris', 'help-desk'), person('bea', 'help-desk'), person('chidi', 'security-oncall')],
  machines: [],
  privileged: [],
};
const port: DirectoryPort = { read: () => Promise.resolve({ directory, digest: 'd'.repeat(64), issuedAt: at }) };
const rules = {
  evidence: [],
  verifiers: ['help-desk'],
  quorum: [{ name: 'security', teams: ['security-oncall'], count: 1, authority: 0 }],
};
const policy = { classes: { 'mfa-recovery': { tier: 'agent-assisted', ...rules } }, directoryMaxAgeSeconds: 60 } as unknown as Policy;
const anonymous = {
  id: '1',
  type: 'readmit.case.opened',
  at,
  data: {
    caseId: 'case_1',
    subject: { kind: 'person', id: 'ada' },
    requester: { kind: 'anonymous' },
    asks: [{ id: 'ask-1', kind: 'factor.bypass', connector: 'idp', object: 'ada' }],
  },
} as unknown as Fact;

/** What classification says of the case, as facts. */
async function classified(opened: Fact = anonymous): Promise<readonly Fact[]> {
  const handler = classifyWork(port, { document: policy, digest: 'p'.repeat(64) }, 'salt');
  const work = { key: 'case_1', tries: 1 } as Work;
  const facts = new Facts([opened]);
  const read = await handler.call(work, facts, new AbortController().signal, () => Promise.resolve(true));
  const { emit } = handler.finish(work, read, facts, { now: new Date(at) } as Context);
  return emit.map((draft, index) => ({ id: `said-${index}`, type: draft.type, at, data: draft.data }) as Fact);
}

describe('contact points', () => {
  it('R3.4 only what can be called counts for a call-back', async () => {
    const attested = new Facts(await classified()).first('readmit.people.attested');
    const [phone, email] = contactDigests(directory, 'ada', 'case_1', 'salt');
    expect(attested?.data.contacts).toEqual([phone?.digest]);
    expect(attested?.data.contacts).not.toContain(email?.digest);
  });

  /** Who is shown the contact points of a case that was opened like this, and what of it is on record. */
  async function desk(opened: Fact) {
    const facts = new Facts([opened, ...(await classified(opened))]);
    const recorded: string[] = [];
    const commands = {
      facts: () => Promise.resolve(facts),
      command: (about: { readonly actor: string }, command: () => { readonly reason: string }) => {
        const refused = command();
        recorded.push(`${about.actor} ${refused.reason}`);
        return Promise.resolve({ refused });
      },
    } as unknown as Commands;
    const controller = new ContactsController({ commands, directory: port, salt: 'salt' });
    const shown = (id: string) =>
      controller.contacts({ params: { caseId: 'case_1' }, actor: { id, teams: [] }, requestId: 'r' } as unknown as Call<'deskContact'>);
    return { shown, recorded };
  }
  const ofAda = ['phone of ada', 'ada@example.test'];

  it('R7.1 R4.2 are shown to verifiers of the case; who is refused them is on record', async () => {
    const { shown, recorded } = await desk(anonymous);
    expect((await shown('boris')).map(({ value }) => value)).toEqual(ofAda);
    expect(recorded).toEqual([]);
    await expect(shown('chidi')).rejects.toMatchObject({ reason: 'not-a-verifier' });
    await expect(shown('mallory')).rejects.toMatchObject({ reason: 'verifier-unknown' });
    expect(recorded).toEqual(['chidi not-a-verifier', 'mallory verifier-unknown']);
  });

  it('R4.2 R7.1 an agent who opened the case himself is not shown the numbers of its subject', async () => {
    const byBoris = { ...anonymous, data: { ...anonymous.data, requester: { kind: 'person', id: 'boris' } } } as unknown as Fact;
    const { shown, recorded } = await desk(byBoris);
    await expect(shown('boris')).rejects.toMatchObject({ reason: 'verifier-is-requester' });
    expect(recorded).toEqual(['boris verifier-is-requester']);
    // The control: a colleague who did not ask.
    expect((await shown('bea')).map(({ value }) => value)).toEqual(ofAda);
  });
});
