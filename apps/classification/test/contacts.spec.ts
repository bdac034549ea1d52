/** Whose contact points count, and who may see them. Not here: the directory's signature. */
import { describe, expect, it } from '@jest/globals';
import { engineCrypto, type DirectoryPort } from '@readmit/signing';
import type { Commands } from '@readmit/runtime';
import { keyOf, type Directory, type Fact, type Policy } from '@readmit/contracts';
import { classificationProcess, contactDigests, Facts, type Context, type Work } from '@readmit/domain';
import type { Call } from '@readmit/service';
import { ContactsController } from '../src/inbound/contacts.controller.js';
import { fileOnly } from '../src/outbound/case-directory.js';
import { person } from './people.js';

const at = '2026-11-22T09:00:00.000Z';
const morning = (): Date => new Date(at);
const called = (id: string, team: string) =>
  person(id, team, {
    contacts: [
      { kind: 'phone', value: `phone of ${id}` },
      { kind: 'email', value: `${id}@example.test` },
    ],
  });
const directory: Directory = {
  version: 1,
  issuedAt: at,
  people: [called('ada', 'staff'), called('boris', 'help-desk'), called('bea', 'help-desk'), called('chidi', 'security-oncall')],
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
const classification = classificationProcess({ document: policy, digest: 'p'.repeat(64) }, 'salt');
const anonymous = {
  id: '1',
  type: 'readmit.case.opened',
  at,
  data: {
    caseId: 'case_1',
    subject: { kind: 'person', id: 'ada' },
    requester: { kind: 'anonymous' },
    asks: [{ id: 'ask-1', kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' }],
  },
} as unknown as Fact;

/** The clock of the database, and that of the process if it differs. */
interface Clocks {
  readonly now?: () => Date;
  readonly processNow?: () => Date;
}

/** What classification emits for the case, as facts. */
async function classified(opened: Fact = anonymous, from: DirectoryPort = port): Promise<readonly Fact[]> {
  const work = { key: 'case_1', tries: 1 } as Work;
  const facts = new Facts([opened]);
  const read = { ...(await from.read(new AbortController().signal)), code: { sameKey: [] } };
  const context = { now: new Date(at), crypto: engineCrypto, other: () => new Facts([]) } as unknown as Context;
  const { emit } = classification.work.classify.finish(work, read, facts, context);
  return emit.map((draft, index) => ({ id: `event-${index}`, type: draft.type, at, data: draft.data }) as Fact);
}

describe('contact points', () => {
  it('R3.4 count for a call-back only if they can be called', async () => {
    const attested = new Facts(await classified()).first('readmit.people.attested');
    const [phone, email] = contactDigests(directory, 'ada', 'case_1', 'salt', engineCrypto);
    expect(attested?.data.contacts).toEqual([phone?.digest]);
    expect(attested?.data.contacts).not.toContain(email?.digest);
  });

  /** Commands as the engine runs them: facts of case and agent are stored, refusals are recorded. */
  async function desk(opened: Fact, more: Clocks & { readonly caseId?: string; readonly looks?: Fact[] } = {}) {
    const caseId = more.caseId ?? 'case_1';
    const facts = new Facts([opened, ...(await classified(opened))]);
    const { looks = [], now = morning, processNow = now } = more;
    const recorded: string[] = [];
    const locked: string[][] = [];
    const commands: Commands = {
      facts: () => Promise.resolve(facts),
      command(about, command) {
        locked.push([about.key, ...(about.alsoKeys ?? [])]);
        // As in the engine: only locked keys are read.
        const other = (key: string) =>
          new Facts(
            (about.alsoKeys ?? []).includes(key) ? looks.filter((look) => classification.keysOf?.(look, keyOf(look)).includes(key)) : [],
          );
        const decided = command(facts, { now: now(), key: about.key, other } as unknown as Context);
        if (decided.refused) {
          recorded.push(`${about.actor} ${decided.reason}`);
          return Promise.resolve({ refused: decided });
        }
        for (const draft of decided.emit) {
          recorded.push(`${draft.type} ${JSON.stringify(draft.data)}`);
          looks.push({
            id: `look-${looks.length}`,
            type: draft.type,
            at: now().toISOString(),
            data: draft.data,
          } as Fact);
        }
        return Promise.resolve({ reply: decided.reply });
      },
    };
    const controller = new ContactsController({ commands, directory: fileOnly(port), salt: 'salt', now: processNow });
    const call = (id: string, body?: object) => ({ params: { caseId }, body, actor: { id, teams: [] }, requestId: 'r' });
    const listed = (id: string) => controller.contacts(call(id) as unknown as Call<'deskContact'>);
    const shown = (id: string, digest: string) => controller.show(call(id, { digest }) as unknown as Call<'showContact'>);
    return { listed, shown, recorded, locked, looks };
  }
  const inFull = ['phone of ada', 'ada@example.test'];
  const hidden = ['***** ** ***', 'a***@example.test'];

  it('R3.4 are listed masked, with the digests that a call-back refers to', async () => {
    const { listed, recorded } = await desk(anonymous);
    expect((await listed('boris')).map(({ value }) => value)).toEqual(hidden);
    expect((await listed('boris')).map(({ digest }) => digest)).toEqual(
      contactDigests(directory, 'ada', 'case_1', 'salt', engineCrypto).map(({ digest }) => digest),
    );
    expect(recorded).toEqual([]);
  });

  it('R3.4 R7.1 are shown in full, one at a time, after the view and its agent are recorded', async () => {
    const { listed, shown, recorded, locked } = await desk(anonymous);
    const [phone] = await listed('boris');
    const contact = phone?.digest ?? '';
    expect(await shown('boris', contact)).toEqual({ kind: 'phone', value: inFull[0], digest: contact });
    expect(recorded).toEqual([`readmit.contact.shown ${JSON.stringify({ caseId: 'case_1', by: 'boris', contact })}`]);
    // Views by one agent are counted under the same locks, whatever the case.
    const hours = ['07', '08', '09'].map((hour) => `agent:boris:2026-11-22T${hour}`);
    expect(locked).toEqual([['case_1', ...hours]]);
    await expect(shown('boris', 'f'.repeat(64))).rejects.toMatchObject({ status: 404, reason: 'contact-not-on-record' });
  });

  it('R7.1 are not shown if the view cannot be recorded', async () => {
    const facts = new Facts([anonymous, ...(await classified())]);
    const commands = { facts: () => Promise.resolve(facts), command: () => Promise.reject(new Error('the database is down')) };
    const controller = new ContactsController({
      commands: commands as unknown as Commands,
      directory: fileOnly(port),
      salt: 'salt',
      now: morning,
    });
    const [phone] = contactDigests(directory, 'ada', 'case_1', 'salt', engineCrypto);
    const call = { params: { caseId: 'case_1' }, body: { digest: phone?.digest }, actor: { id: 'boris', teams: [] }, requestId: 'r' };
    await expect(controller.show(call as unknown as Call<'showContact'>)).rejects.toThrow('the database is down');
  });

  it('R7.1 R4.2 are listed and shown to verifiers of the case; a refusal is recorded', async () => {
    const { listed, shown, recorded } = await desk(anonymous);
    const [phone] = await listed('boris');
    for (const look of [listed, (id: string) => shown(id, phone?.digest ?? '')]) {
      await expect(look('chidi')).rejects.toMatchObject({ reason: 'not-a-verifier' });
      await expect(look('mallory')).rejects.toMatchObject({ reason: 'verifier-unknown' });
    }
    const refused = ['chidi not-a-verifier', 'mallory verifier-unknown'];
    expect(recorded).toEqual([...refused, ...refused]);
  });

  it('R4.2 R7.1 are not shown to an agent who opened the case', async () => {
    const byBoris = { ...anonymous, data: { ...anonymous.data, requester: { kind: 'person', id: 'boris' } } } as unknown as Fact;
    const { listed, shown, recorded } = await desk(byBoris);
    await expect(listed('boris')).rejects.toMatchObject({ reason: 'verifier-is-requester' });
    const [phone] = await listed('bea');
    await expect(shown('boris', phone?.digest ?? '')).rejects.toMatchObject({ reason: 'verifier-is-requester' });
    expect(recorded).toEqual(['boris verifier-is-requester', 'boris verifier-is-requester']);
    // The control: a colleague who did not open it.
    expect(await shown('bea', phone?.digest ?? '')).toMatchObject({ value: inFull[0] });
  });

  it('R4.2 are shown to an agent of a team too large to be attested with each case, who is looked up in the directory', async () => {
    const crowd = Array.from({ length: 300 }, (_, n) => person(`agent-${n}`, 'help-desk'));
    const large: DirectoryPort = {
      read: () =>
        Promise.resolve({ directory: { ...directory, people: [...directory.people, ...crowd] }, digest: 'e'.repeat(64), issuedAt: at }),
    };
    const facts = new Facts([anonymous, ...(await classified(anonymous, large))]);
    expect(facts.first('readmit.people.attested')?.data.people.map(({ id }) => id)).toEqual(['ada']);
    const commands = {
      facts: () => Promise.resolve(facts),
      command: (_: unknown, command: () => { reason: string }) => Promise.resolve({ refused: command() }),
    };
    const controller = new ContactsController({
      commands: commands as unknown as Commands,
      directory: fileOnly(large),
      salt: 'salt',
      now: morning,
    });
    const listed = (id: string) =>
      controller.contacts({ params: { caseId: 'case_1' }, actor: { id, teams: [] }, requestId: 'r' } as unknown as Call<'deskContact'>);
    expect((await listed('agent-7')).map(({ value }) => value)).toEqual(hidden);
    await expect(listed('chidi')).rejects.toMatchObject({ reason: 'verifier-unknown' });
  });

  const ofCases = (clocks: Clocks) => {
    const looks: Fact[] = [];
    return async (n: number) => {
      const opened = { ...anonymous, id: `opened-${n}`, data: { ...anonymous.data, caseId: `case_${n}` } } as unknown as Fact;
      const one = await desk(opened, { caseId: `case_${n}`, looks, ...clocks });
      const [phone] = contactDigests(directory, 'ada', `case_${n}`, 'salt', engineCrypto);
      return { look: (agent: string) => one.shown(agent, phone?.digest ?? ''), recorded: one.recorded };
    };
  };

  it('R3.4 at most ten per hour are shown to an agent over all cases; one seen within the hour is not counted again', async () => {
    let now = new Date(at);
    const caseOf = ofCases({ now: () => now });
    const first = await caseOf(0);
    for (let n = 0; n < 10; n++) await (await caseOf(n)).look('boris');
    const eleventh = await caseOf(10);
    await expect(eleventh.look('boris')).rejects.toMatchObject({ status: 403, reason: 'too-many-looks', more: { rule: 'R3.4' } });
    expect(eleventh.recorded).toEqual(['boris too-many-looks']);
    // One that was shown already is not counted, and colleagues are counted separately.
    expect(await first.look('boris')).toMatchObject({ value: inFull[0] });
    expect(await eleventh.look('bea')).toMatchObject({ value: inFull[0] });
    // Half-open interval: exactly when the hour of the ten is over, the next is shown.
    now = new Date(Date.parse(at) + 3_599_999);
    await expect(eleventh.look('boris')).rejects.toMatchObject({ reason: 'too-many-looks' });
    now = new Date(Date.parse(at) + 3_600_000);
    expect(await eleventh.look('boris')).toMatchObject({ value: inFull[0] });
  });

  it.each([
    ['reads as the database does', 0],
    ['is behind the database', -240],
    ['is ahead of the database', 240],
  ])('R3.4 looks are counted over the turn of the hour, when the clock of the process %s', async (_, seconds) => {
    let now = new Date('2026-11-22T09:58:00.000Z');
    const caseOf = ofCases({ now: () => now, processNow: () => new Date(now.getTime() + seconds * 1000) });
    for (let n = 0; n < 5; n++) await (await caseOf(n)).look('boris');
    now = new Date('2026-11-22T10:02:00.000Z');
    for (let n = 5; n < 10; n++) await (await caseOf(n)).look('boris');
    const eleventh = await caseOf(10);
    await expect(eleventh.look('boris')).rejects.toMatchObject({ reason: 'too-many-looks' });
    now = new Date('2026-11-22T10:57:59.000Z');
    await expect(eleventh.look('boris')).rejects.toMatchObject({ reason: 'too-many-looks' });
    // The control: an hour after the first five.
    now = new Date('2026-11-22T10:58:00.000Z');
    expect(await eleventh.look('boris')).toMatchObject({ value: inFull[0] });
  });

  it('R3.4 at most sixty views per hour, repeated ones included', async () => {
    let now = new Date(at);
    const { listed, shown } = await desk(anonymous, { now: () => now });
    const [phone] = await listed('boris');
    for (let look = 0; look < 60; look++) await shown('boris', phone?.digest ?? '');
    await expect(shown('boris', phone?.digest ?? '')).rejects.toMatchObject({ reason: 'too-many-looks' });
    now = new Date(Date.parse(at) + 3_600_000);
    expect(await shown('boris', phone?.digest ?? '')).toMatchObject({ value: inFull[0] });
  });

  it('are unavailable (503) without a directory, and no view is counted', async () => {
    const facts = new Facts([anonymous, ...(await classified())]);
    const down: DirectoryPort = { read: () => Promise.reject(new Error('the directory responded with 500')) };
    const commands = { facts: () => Promise.resolve(facts) } as unknown as Commands;
    const controller = new ContactsController({ commands, directory: fileOnly(down), salt: 'salt', now: morning });
    const call = { params: { caseId: 'case_1' }, body: { digest: 'f'.repeat(64) }, actor: { id: 'boris', teams: [] }, requestId: 'r' };
    await expect(controller.show(call as unknown as Call<'showContact'>)).rejects.toMatchObject({
      status: 503,
      reason: 'directory-unavailable',
    });
  });
});
