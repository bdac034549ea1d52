/** The simulated services with people who open cases, prove and decide. Directory, mailbox and target are simulated: the target does what the plan says. */
import { sign } from 'node:crypto';
import type { AskKind, Statement } from '@readmit/contracts';
import {
  addEvidence,
  approvalProcess,
  classificationProcess,
  codeOf,
  decide,
  decisionPayloadType,
  executionProcess,
  freezeBySignal,
  instant,
  intakeProcess,
  planGranted,
  plusSeconds,
  questionOf,
  recipientsOf,
  draft,
  schedulerProcess,
  targetChange,
  type Facts,
  type Restored,
  type Work,
} from '../src/index.js';
import { noPlanDigest } from '../src/approval-request/approval.state.js';
import { canonical, crypto, directory, keys, pae, policy, recipient, sha256 } from './cast.js';
import { SimulatedTarget } from './simulated-target.js';
import { deskOf, Simulation } from './simulation.js';

export { crypto, directory, policy };

const away = { error: new Error('cannot be reached') };

export class SimulatedServices extends Simulation {
  targetUp = true;
  /** While it is down no notice is sent, so no case is closed. */
  mailUp = true;
  /** Whether grants are used: a new factor is enrolled, a consumer uses the new secret. */
  used = false;
  private readonly target = new SimulatedTarget();

  constructor(random: () => number = () => 0) {
    super(
      {
        intake: deskOf(intakeProcess, {
          notice: () => (this.mailUp ? { channel: 'mailbox', addresses: 1 } : away),
          freeze: (_work, facts) => this.freeze(facts),
        }),
        classification: deskOf(classificationProcess({ document: policy, digest: sha256('p') }, 'salt'), {
          classify: (_work, facts) => ({
            ...this.readDirectory(),
            code: { sameKey: [], ...(facts.first('readmit.case.opened')?.data.caseKey ? { codeNonce: this.newId('nonce') } : {}) },
          }),
          attest: () => this.readDirectory(),
        }),
        approval: deskOf(approvalProcess, {}),
        execution: deskOf(executionProcess({ watchEveryMs: 60_000 }), {
          plan: (_work, facts) => (this.targetUp ? this.plan(facts) : away),
          restore: (work, facts, still) => this.restore(work, facts, still),
          undo: (work, facts) => {
            const question = questionOf(work, facts);
            if (!question) throw new Error('this is a bug: undoing without a question');
            return { readBack: this.target.undo(question.undo), sessionsEnded: 1 };
          },
          watch: (_work, facts) => this.watch(facts),
          sweep: () => away,
        }),
        'revocation-scheduler': deskOf(schedulerProcess, {}),
      },
      random,
    );
  }

  private readDirectory() {
    return { directory, digest: sha256('d'), issuedAt: instant(plusSeconds(this.now, -1)) };
  }
  private plan(facts: Facts) {
    const opened = facts.first('readmit.case.opened');
    const fingerprints = recipientsOf(facts).map(({ key }) => key.fingerprint);
    return (opened?.data.asks ?? []).map((ask) => this.target.partsFor(ask, opened?.data.durationSeconds ?? 0, fingerprints));
  }
  private restore(work: Work, facts: Facts, still: () => boolean): Restored {
    const plan = planGranted(facts)?.data.plan;
    if (!plan) throw new Error('this is a bug: restoring without a plan');
    const difference = targetChange(work, plan, plan.asks.flatMap(this.target.read));
    if (difference !== undefined) return { kind: 'changed', difference };
    const after = [];
    for (const step of plan.steps) {
      if (!still()) return { kind: 'stopped' };
      after.push(...this.target.execute(step));
    }
    return { kind: 'done', after, sealed: [], made: [] };
  }
  private watch(facts: Facts) {
    const opened = facts.first('readmit.case.opened')?.data;
    const is = opened?.subject.kind === 'machine' ? { takenOver: true } : { enrolled: { factor: 'totp-2' } };
    return (opened?.asks ?? []).map(({ connector, object }) => ({ connector, object, ...(this.used ? is : {}) }));
  }
  private freeze(facts: Facts): 'done' {
    const received = facts.first('readmit.signal.received');
    for (const key of this.keysAt('intake'))
      if (received && this.facts('intake', key).first('readmit.case.opened')?.data.subject.id === received.data.subject)
        this.command('intake', key, freezeBySignal(received.data.signalId, received.at));
    return 'done';
  }

  open(
    asks: readonly { kind: AskKind; object: string; entitlement?: string }[],
    subject: { kind: 'person' | 'machine'; id: string },
    requester?: string,
    durationSeconds = 600,
  ): string {
    const caseId = this.newId('case');
    this.request(caseId, asks, subject, requester, durationSeconds);
    this.settle();
    return caseId;
  }
  /** Opens a case whose target cannot be read, so that it never gets a plan. */
  openUnplanned(asks: readonly { kind: AskKind; object: string }[], subject: { kind: 'person' | 'machine'; id: string }): string {
    this.targetUp = false;
    return this.open(asks, subject);
  }
  /** Opens a case that only approval has received so far. */
  openUnsettled(
    asks: readonly { kind: AskKind; object: string }[],
    subject: { kind: 'person' | 'machine'; id: string },
    caseId: string,
  ): void {
    this.request(caseId, asks, subject, undefined, 600);
    const waiting = this.queue.findIndex(({ desk, key }) => desk.process.name === 'approval' && key === caseId);
    const [item] = this.queue.splice(waiting, 1);
    if (item) this.take(item.desk, item.fact);
  }
  private request(
    caseId: string,
    asks: readonly { kind: AskKind; object: string; entitlement?: string }[],
    subject: { kind: 'person' | 'machine'; id: string },
    requester: string | undefined,
    durationSeconds: number,
  ): void {
    this.emit('intake', [
      draft('readmit.case.opened', caseId, {
        caseId,
        asks: asks.map((ask, index) => ({ ...ask, id: `ask-${index + 1}`, connector: 'target' })),
        subject,
        requester: requester ? { kind: 'person', id: requester } : { kind: 'anonymous' },
        reasonCode: 'lost-device',
        reasonDigest: sha256('r'),
        durationSeconds,
        ...(requester ? {} : { caseKey: recipient('one-time') }),
      }),
    ]);
  }
  /** Attests a second account of chidi, who is on call, in the other team of the quorum and with another key. */
  attestChidiAsOwner(caseId: string): string {
    const id = 'chidi-owner';
    const attested = this.facts('classification', caseId).last('readmit.people.attested');
    const chidi = attested?.data.people.find((person) => person.id === 'chidi');
    const x = keys.get(id)?.x;
    if (!attested || !chidi || x === undefined) throw new Error('chidi is not attested for the case');
    const key = { kid: `${id}-key`, type: 'software-key' as const, key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x } };
    const people = [{ ...chidi, id, teams: ['system-owner'], keys: [key] }];
    this.emit('classification', [draft('readmit.people.attested', caseId, { ...attested.data, people })]);
    this.settle();
    return id;
  }
  /** The code that the holder of the case key reads out; undefined if the case has no key. */
  codeOf(caseId: string): string | undefined {
    const caseKey = this.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey;
    const nonce = this.facts('approval', caseId).last('readmit.case.classified')?.data.codeNonce;
    return caseKey && nonce !== undefined ? codeOf(nonce, caseKey.fingerprint, crypto) : undefined;
  }
  prove(caseId: string, by = 'boris', kind: 'call-back' | 'owner-confirmation' = 'call-back'): { refused?: string } {
    const attested = this.facts('approval', caseId).first('readmit.people.attested');
    const outcome = this.command(
      'approval',
      caseId,
      addEvidence(by, {
        kind,
        channel: kind === 'call-back' ? 'phone' : 'directory',
        assurance: 2,
        note: `${by} did the ${kind}`,
        salt: sha256(`${by}${kind}`),
        contact: kind === 'call-back' ? attested?.data.contacts[0] : undefined,
        code: kind === 'call-back' ? this.codeOf(caseId) : undefined,
      }),
    );
    this.settle();
    return outcome;
  }
  statement(caseId: string, by: string, more: Partial<Statement> = {}): Statement {
    const facts = this.facts('approval', caseId);
    const request = facts.last('readmit.approval.requested');
    return {
      v: 1,
      caseId,
      planDigest: request?.data.planDigest ?? facts.last('readmit.plan.proposed')?.data.digest ?? noPlanDigest(crypto),
      evidenceDigest: request?.data.evidenceDigest ?? crypto.digest([]),
      policyDigest: sha256('p'),
      decision: 'approve',
      approver: by,
      decidedAt: instant(this.now),
      nonce: (request?.data.nonce ?? 'nonce').padEnd(22, '0'),
      reason: 'checked',
      ...more,
    };
  }
  decide(caseId: string, by: string, more: Partial<Statement> = {}, tamper: Partial<Statement> = {}): { refused?: string } {
    const facts = this.facts('approval', caseId);
    const statement = {
      ...this.statement(caseId, by, more),
      nonce: more.nonce ?? facts.last('readmit.approval.requested')?.data.nonce ?? 'none'.padEnd(22, '0'),
    };
    const key = keys.get(statement.approver)?.privateKey;
    const signature = key ? sign(null, pae(decisionPayloadType, canonical(statement)), key).toString('base64url') : 'none';
    const outcome = this.command(
      'approval',
      caseId,
      decide(by, { ...statement, ...tamper }, { type: 'software-key', kid: `${statement.approver}-key`, signature }),
    );
    this.settle();
    return outcome;
  }
}
