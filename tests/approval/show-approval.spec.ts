/** What an approver is shown, and who may see it. Responses over HTTP are tested in libs/service. */
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

/** Approval's routes on the simulation: the facts are those of the simulation, the table is a list. */
class Routes {
  readonly services = new SimulatedServices();
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
            : this.services.facts('approval', key),
        ),
      command: ({ key, name, rows }: { key: string; name: string; rows?: readonly EvidenceNote[] }, command: Command<object>) => {
        this.commands.push(name);
        const known = this.services.emitted('readmit.evidence.added').length;
        let reply: object = {};
        const { refused } = this.services.command('approval', key, (facts: Facts, context: Context) => {
          const outcome = command(facts, context);
          if (!outcome.refused) reply = outcome.reply;
          return outcome.refused ? outcome : { ...outcome, reply: {} };
        });
        if (refused !== undefined) throw new Error(`refused: ${refused}`);
        const added = this.services.emitted('readmit.evidence.added')[known];
        for (const row of rows ?? []) if (added) this.notes.push({ ...row, evidence_id: added.data.evidenceId });
        this.services.settle();
        return Promise.resolve({ reply });
      },
    } as unknown as Commands;
    this.controller = new ApprovalController({
      commands,
      store: { query: () => Promise.resolve(this.notes as never) },
      crypto: engineCrypto,
      publicUrl: 'http://test',
      now: () => this.services.now,
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

let routes: Routes;
let caseId: string;
beforeEach(() => {
  routes = new Routes();
  caseId = routes.services.open(mfa, ada);
});
const callBack = () => ({
  kind: 'call-back',
  channel: 'phone',
  assurance: 2,
  note: 'she read it out',
  contact: routes.services.facts('approval', caseId).first('readmit.people.attested')?.data.contacts[0],
  code: routes.services.codeOf(caseId),
});

describe('what an approver is shown', () => {
  it('R4.10 includes everything in each digest: text, collector and time of each proof, and the policy itself', async () => {
    await routes.evidence(caseId, 'boris', callBack());
    const view = await routes.show(caseId, 'chidi');
    const [proof, ...more] = view.evidence;
    expect(more).toEqual([]);
    if (!proof) throw new Error('no proof is shown');
    const { id, digest, staleAt, ...content } = proof;
    expect(content).toMatchObject({ ...callBack(), by: 'boris' });
    expect(staleAt > content.at).toBe(true);
    expect(engineCrypto.digest(content)).toBe(digest);
    expect(engineCrypto.digest([{ id, digest }])).toBe(view.evidenceDigest);
    expect(engineCrypto.digest(view.plan)).toBe(view.planDigest);
  });

  it('R4.10 R9.1 names the policy of the case, with its document if that is known', async () => {
    const digest = routes.services.facts('approval', caseId).last('readmit.case.classified')?.data.policy.digest;
    expect((await routes.show(caseId, 'chidi')).policy).toEqual({ version: 'test-1', digest, document: null });
    routes.policies = [...routes.policies, { version: 'test-1', digest, document: { sample: true } }];
    expect((await routes.show(caseId, 'chidi')).policy).toEqual({ version: 'test-1', digest, document: { sample: true } });
  });

  it('R4.2 says if it is unknown which person asked', async () => {
    const other = routes.services.open(mfa, ada, 'Chidi');
    expect((await routes.show(other, 'chidi')).requester).toEqual({ kind: 'person', id: 'Chidi', known: false });
    const known = routes.services.open(mfa, ada, 'pat');
    expect((await routes.show(known, 'chidi')).requester).toEqual({ kind: 'person', id: 'pat', known: true });
    expect((await routes.show(caseId, 'chidi')).requester).toEqual({ kind: 'anonymous', known: false });
  });

  it('R3.4 never includes the nonce of the code, nor the code before it was read out', async () => {
    const nonce = routes.services.facts('approval', caseId).last('readmit.case.classified')?.data.codeNonce ?? '';
    const text = JSON.stringify(await routes.show(caseId, 'boris'));
    expect(nonce).not.toBe('');
    expect(text).not.toContain(nonce);
    expect(text).not.toContain(routes.services.codeOf(caseId));
    await routes.evidence(caseId, 'boris', callBack());
    expect(JSON.stringify(await routes.show(caseId, 'chidi'))).toContain(routes.services.codeOf(caseId));
  });

  it('R4.4 counts no seat for a decision whose key was removed from its signer since', async () => {
    const role = routes.services.open([{ kind: 'role.restore', object: 'erin', entitlement: 'app_admin' }], { kind: 'person', id: 'erin' });
    routes.services.prove(role);
    routes.services.decide(role, 'chidi');
    const seats = async () => (await routes.show(role, 'dana')).needs.quorum.map(({ by }) => by);
    expect(await seats()).toEqual([['chidi'], []]);
    const data = routes.services.facts('approval', role).last('readmit.people.attested')?.data;
    if (!data) throw new Error('there is no attestation');
    const people = data.people.filter(({ id }) => id === 'chidi').map((chidi) => ({ ...chidi, keys: [] }));
    routes.services.emit('classification', [draft('readmit.people.attested', role, { ...data, people })]);
    routes.services.settle();
    expect(await seats()).toEqual([[], []]);
    expect((await routes.show(role, 'dana')).decisions).toHaveLength(1);
  });

  it('R4.7 has the digests for a denial before there is a plan or a proof', async () => {
    const unplanned = routes.services.openUnplanned(mfa, ada);
    expect(await routes.show(unplanned, 'chidi')).toMatchObject({
      state: 'waiting-for-plan',
      planDigest: null,
      evidenceDigest: engineCrypto.digest([]),
      nonce: null,
    });
  });
});

describe('a case', () => {
  it('R4.2 is visible to people with a part in it, operators and auditors; for others it does not exist', async () => {
    for (const part of ['ada', 'boris', 'chidi']) expect(await routes.seen(caseId, part)).toBe('seen');
    for (const team of ['platform-operators', 'auditors']) expect(await routes.seen(caseId, 'gita', [team])).toBe('seen');
    expect(routes.commands).toEqual([]);
    expect(await routes.seen(caseId, 'gita')).toBe('not-ready');
    expect(await routes.seen('case_unknown', 'gita')).toBe('not-ready');
    expect(await routes.seen(caseId, 'mallory')).toBe('not-ready');
  });

  it('R4.2 requests the attestation of an unknown caller once, and is visible to them if it gives them a part', async () => {
    expect(await routes.seen(caseId, 'pat')).toBe('not-ready');
    expect(await routes.seen(caseId, 'pat')).toBe('not-ready');
    expect(await routes.seen('case_unknown', 'pat')).toBe('not-ready');
    expect(routes.commands).toEqual(['look']);
    expect(routes.services.emitted('readmit.attestation.wanted').map(({ data }) => data.person)).toEqual(['pat']);
    const attested = routes.services.emitted('readmit.people.attested').at(-1);
    if (!attested) throw new Error('there is no attestation');
    // The same person, now of the help desk.
    routes.services.emit('classification', [
      {
        type: 'readmit.people.attested',
        key: caseId,
        data: { ...attested.data, people: attested.data.people.map((person) => ({ ...person, teams: ['help-desk'] })) },
      },
    ]);
    routes.services.settle();
    expect(await routes.seen(caseId, 'pat')).toBe('seen');
  });
});

describe('a proof by somebody who is not attested yet', () => {
  it('R4.2 is refused as not-ready while the attestation is requested, and no text is stored', async () => {
    await expect(routes.evidence(caseId, 'pat', callBack())).rejects.toMatchObject({ reason: 'not-ready', status: 409 });
    expect(routes.notes).toEqual([]);
    await routes.evidence(caseId, 'boris', callBack());
    expect(routes.notes.map(({ note }) => note)).toEqual(['she read it out']);
  });

  it('R3.4 with a wrong code is refused, and the attempt is recorded', async () => {
    await expect(routes.evidence(caseId, 'boris', { ...callBack(), code: '0000-0000' })).rejects.toMatchObject({
      reason: 'code-mismatch',
      status: 422,
    });
    expect(routes.notes).toEqual([]);
    expect(routes.services.emitted('readmit.approval.refused').map(({ data }) => data.reason)).toEqual(['code-mismatch']);
  });
});
