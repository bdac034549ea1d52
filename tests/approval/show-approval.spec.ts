/** What an approver is shown, and who may look. Does not prove how a service answers over HTTP: the specs of libs/service do. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { engineCrypto } from '@readmit/signing';
import type { Commands } from '@readmit/runtime';
import { Facts, draft, type Command, type Context } from '@readmit/domain';
import type { Actor, Call } from '@readmit/service';
import { SimulatedServices, policy } from '../../libs/domain/test/simulated-services.js';
import { ApprovalController } from '../../apps/approval/src/inbound/approval.controller.js';
import type { EvidenceNote } from '../../apps/approval/src/outbound/evidence-notes.js';

const mfa = [{ kind: 'factor.bypass', object: 'ada' }] as const;
const ada = { kind: 'person', id: 'ada' } as const;

/** Approval's routes over the house: its facts are those of the house, its one table is a list. */
class Desk {
  readonly house = new SimulatedServices();
  readonly commands: string[] = [];
  readonly notes: (EvidenceNote & { readonly evidence_id: string })[] = [];
  policies: readonly object[] = [{ version: policy.version, digest: engineCrypto.digest(policy), document: policy }];
  private readonly controller: ApprovalController;

  constructor() {
    const commands = {
      facts: (key: string) =>
        Promise.resolve(
          key === 'policy'
            ? new Facts(
                this.policies.map(
                  (data, at) => ({ id: `p${at}`, type: 'readmit.policy.activated', at: '2026-11-22T08:00:00.000Z', data }) as never,
                ),
              )
            : this.house.facts('approval', key),
        ),
      command: ({ key, name, rows }: { key: string; name: string; rows?: readonly EvidenceNote[] }, command: Command<object>) => {
        this.commands.push(name);
        const known = this.house.emitted('readmit.evidence.added').length;
        let reply: object = {};
        const { refused } = this.house.command('approval', key, (facts: Facts, context: Context) => {
          const outcome = command(facts, context);
          if (!outcome.refused) reply = outcome.reply;
          return outcome.refused ? outcome : { ...outcome, reply: {} };
        });
        if (refused !== undefined) throw new Error(`refused: ${refused}`);
        const added = this.house.emitted('readmit.evidence.added')[known];
        for (const row of rows ?? []) if (added) this.notes.push({ ...row, evidence_id: added.data.evidenceId });
        this.house.settle();
        return Promise.resolve({ reply });
      },
    } as unknown as Commands;
    this.controller = new ApprovalController({
      commands,
      store: { query: () => Promise.resolve(this.notes as never) },
      crypto: engineCrypto,
      publicUrl: 'http://test',
      now: () => this.house.now,
    });
  }
  show(caseId: string, id: string, teams: readonly string[] = []) {
    const actor: Actor = { id, teams };
    return this.controller.show({ params: { caseId }, actor, requestId: 'r' } as unknown as Call<'showApproval'>);
  }
  seen(caseId: string, id: string, teams: readonly string[] = []): Promise<string> {
    return this.show(caseId, id, teams).then(
      () => 'seen',
      (error: { readonly reason?: string }) => error.reason ?? String(error),
    );
  }
  evidence(caseId: string, id: string, body: object) {
    return this.controller.evidence({
      params: { caseId },
      actor: { id, teams: [] },
      body,
      requestId: 'r',
    } as unknown as Call<'addEvidence'>);
  }
}

let desk: Desk;
let caseId: string;
beforeEach(() => {
  desk = new Desk();
  caseId = desk.house.open(mfa, ada);
});
const callBack = () => ({
  kind: 'call-back',
  channel: 'phone',
  assurance: 2,
  note: 'she read it out',
  contact: desk.house.facts('approval', caseId).first('readmit.people.attested')?.data.contacts[0],
  code: desk.house.codeOf(caseId),
});

describe('what an approver is shown', () => {
  it('R4.10 is all that each digest is made of: words, collector and time of each proof, and the policy itself', async () => {
    await desk.evidence(caseId, 'boris', callBack());
    const view = await desk.show(caseId, 'chidi');
    const [proof, ...more] = view.evidence;
    expect(more).toEqual([]);
    if (!proof) throw new Error('no proof is shown');
    const { id, digest, staleAt, ...words } = proof;
    expect(words).toMatchObject({ ...callBack(), by: 'boris' });
    expect(staleAt > words.at).toBe(true);
    expect(engineCrypto.digest(words)).toBe(digest);
    expect(engineCrypto.digest([{ id, digest }])).toBe(view.evidenceDigest);
    expect(engineCrypto.digest(view.plan)).toBe(view.planDigest);
  });

  it('R4.10 R9.1 names the policy of the case with the document of that digest, and none that it never heard of', async () => {
    const digest = desk.house.facts('approval', caseId).last('readmit.case.classified')?.data.policy.digest;
    expect((await desk.show(caseId, 'chidi')).policy).toEqual({ version: 'test-1', digest, document: null });
    desk.policies = [...desk.policies, { version: 'test-1', digest, document: { said: true } }];
    expect((await desk.show(caseId, 'chidi')).policy).toEqual({ version: 'test-1', digest, document: { said: true } });
  });

  it('R4.2 says when nobody knows which human asked', async () => {
    const other = desk.house.open(mfa, ada, 'Chidi');
    expect((await desk.show(other, 'chidi')).requester).toEqual({ kind: 'person', id: 'Chidi', known: false });
    const known = desk.house.open(mfa, ada, 'pat');
    expect((await desk.show(known, 'chidi')).requester).toEqual({ kind: 'person', id: 'pat', known: true });
    expect((await desk.show(caseId, 'chidi')).requester).toEqual({ kind: 'anonymous', known: false });
  });

  it('R3.4 never has the nonce of the code, nor the code before it was read out', async () => {
    const nonce = desk.house.facts('approval', caseId).last('readmit.case.classified')?.data.codeNonce ?? '';
    const text = JSON.stringify(await desk.show(caseId, 'boris'));
    expect(nonce).not.toBe('');
    expect(text).not.toContain(nonce);
    expect(text).not.toContain(desk.house.codeOf(caseId));
    await desk.evidence(caseId, 'boris', callBack());
    expect(JSON.stringify(await desk.show(caseId, 'chidi'))).toContain(desk.house.codeOf(caseId));
  });

  it('R4.4 counts no seat by a decision whose key was taken from its signer since', async () => {
    const role = desk.house.open([{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }], { kind: 'person', id: 'erin' });
    desk.house.prove(role);
    desk.house.decide(role, 'chidi');
    const seats = async () => (await desk.show(role, 'dana')).needs.quorum.map(({ by }) => by);
    expect(await seats()).toEqual([['chidi'], []]);
    const data = desk.house.facts('approval', role).last('readmit.people.attested')?.data;
    if (!data) throw new Error('nobody is attested');
    const people = data.people.filter(({ id }) => id === 'chidi').map((chidi) => ({ ...chidi, keys: [] }));
    desk.house.emit('classification', [draft('readmit.people.attested', role, { ...data, people })]);
    desk.house.settle();
    expect(await seats()).toEqual([[], []]);
    expect((await desk.show(role, 'dana')).decisions).toHaveLength(1);
  });

  it('R4.7 has the digests of a no before there is a plan or a proof', async () => {
    const unplanned = desk.house.openUnplanned(mfa, ada);
    expect(await desk.show(unplanned, 'chidi')).toMatchObject({
      state: 'waiting-for-plan',
      planDigest: null,
      evidenceDigest: engineCrypto.digest([]),
      nonce: null,
    });
  });
});

describe('who may look', () => {
  it('R4.2 is who has a part in the case, and operators and auditors; for others it is as if there were none', async () => {
    for (const part of ['ada', 'boris', 'chidi']) expect(await desk.seen(caseId, part)).toBe('seen');
    for (const team of ['platform-operators', 'auditors']) expect(await desk.seen(caseId, 'gita', [team])).toBe('seen');
    expect(desk.commands).toEqual([]);
    expect(await desk.seen(caseId, 'gita')).toBe('not-ready');
    expect(await desk.seen('case_unknown', 'gita')).toBe('not-ready');
    expect(await desk.seen(caseId, 'mallory')).toBe('not-ready');
  });

  it('R4.2 who comes to a case unnamed is asked about once, and may look when the answer gives a part in it', async () => {
    expect(await desk.seen(caseId, 'pat')).toBe('not-ready');
    expect(await desk.seen(caseId, 'pat')).toBe('not-ready');
    expect(await desk.seen('case_unknown', 'pat')).toBe('not-ready');
    expect(desk.commands).toEqual(['look']);
    expect(desk.house.emitted('readmit.attestation.wanted').map(({ data }) => data.person)).toEqual(['pat']);
    const attested = desk.house.emitted('readmit.people.attested').at(-1);
    if (!attested) throw new Error('nobody was attested');
    // The same person, now of the help desk.
    desk.house.emit('classification', [
      {
        type: 'readmit.people.attested',
        key: caseId,
        data: { ...attested.data, people: attested.data.people.map((person) => ({ ...person, teams: ['help-desk'] })) },
      },
    ]);
    desk.house.settle();
    expect(await desk.seen(caseId, 'pat')).toBe('seen');
  });
});

describe('a proof by somebody who is not named yet', () => {
  it('R4.2 is answered not-ready while the question who that is goes out, and keeps no words', async () => {
    await expect(desk.evidence(caseId, 'pat', callBack())).rejects.toMatchObject({ reason: 'not-ready', status: 409 });
    expect(desk.notes).toEqual([]);
    await desk.evidence(caseId, 'boris', callBack());
    expect(desk.notes.map(({ note }) => note)).toEqual(['she read it out']);
  });

  it('R3.4 with a wrong code is refused though the attempt is kept', async () => {
    await expect(desk.evidence(caseId, 'boris', { ...callBack(), code: '0000-0000' })).rejects.toMatchObject({
      reason: 'code-mismatch',
      status: 422,
    });
    expect(desk.notes).toEqual([]);
    expect(desk.house.emitted('readmit.approval.refused').map(({ data }) => data.reason)).toEqual(['code-mismatch']);
  });
});
