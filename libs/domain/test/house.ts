/**
 * The six services as their rules alone: no database, no bus, no clock but the one that is passed in. Every fact reaches every
 * service, in an order and as often as the seed says. Targets are simulated: they do what the plan says.
 */
import { sign } from 'node:crypto';
import { entryOf, type AskKind, type Draft, type Fact, type ServiceName, type Statement } from '@readmit/contracts';
import {
  addEvidence,
  approvalReact,
  attest,
  buildPlan,
  caseReact,
  classify,
  codeOf,
  deadlineKey,
  decide,
  decisionPayloadType,
  executionReact,
  answerTo,
  Facts,
  heldBy,
  holdsOf,
  instant,
  latestDue,
  planGranted,
  recipientsOf,
  say,
  schedulerReact,
  verifyIntent,
  watched,
  type Command,
  type Context,
  type React,
  type Refusal,
  type WorkDraft,
} from '../src/index.js';
import { noPlanDigest } from '../src/approval-request/approval.state.js';
import { canonical, contactOnRecord, crypto, directory, keys, pae, policy, recipient, sha256 } from './cast.js';
import { partsFor } from './simulated-target.js';

export { crypto, directory, policy };

type Work = WorkDraft & { readonly key: string };
interface Desk {
  readonly react: React;
  readonly facts: Map<string, Facts>;
  readonly wakes: Map<string, Date>;
  readonly work: Map<string, Set<string>>;
}
const keysOf = (service: ServiceName, fact: Fact, key: string): string | readonly string[] => {
  if (service !== 'revocation-scheduler') return key;
  // Who holds it still is looked at together with who says so.
  if (fact.type === 'readmit.revocation.confirmed' && fact.data.heldBy) return [key, fact.data.heldBy.caseId];
  if (fact.type.endsWith('.deadline-set'))
    return deadlineKey(entryOf(fact.type).producer, (fact as Extract<Fact, { type: 'readmit.approval.deadline-set' }>).data.key);
  if (fact.type === 'readmit.deadline.reached') return deadlineKey(fact.data.owner, fact.data.key);
  return key;
};

export class House {
  now = new Date('2026-11-22T09:00:00.000Z');
  readonly log: { readonly fact: Fact; readonly key: string; readonly by: ServiceName }[] = [];
  private readonly desks: Record<Exclude<ServiceName, 'audit'>, Desk>;
  private readonly queue: { service: Exclude<ServiceName, 'audit'>; fact: Fact; key: string }[] = [];
  private readonly pending: { service: Exclude<ServiceName, 'audit'>; work: Work }[] = [];
  private count = 0;
  auditUp = true;
  targetUp = true;
  used = false;

  constructor(private readonly random: () => number = () => 0) {
    const desk = (react: React): Desk => ({ react, facts: new Map(), wakes: new Map(), work: new Map() });
    this.desks = {
      intake: desk(caseReact),
      approval: desk(approvalReact),
      execution: desk(executionReact),
      'revocation-scheduler': desk(schedulerReact),
      classification: desk((facts, context) => ({
        emit: [],
        work: [
          ...(facts.has('readmit.case.opened') ? [{ id: 'classify', input: {} }] : []),
          ...facts.of('readmit.attestation.wanted').map(({ data: { person } }) => ({ id: `attest/${person}`, input: { person } })),
        ]
          .filter(({ id }) => !context.work.has(id))
          .map(({ id, input }) => ({
            id,
            kind: id.split('/')[0] ?? id,
            connector: 'directory',
            object: context.key,
            notBefore: context.now,
            alsoKeys: [],
            input,
          })),
      })),
    };
  }

  newId = (prefix: string): string => `${prefix}_${String(++this.count).padStart(5, '0')}`;
  context(service: Exclude<ServiceName, 'audit'>, key: string): Context {
    const desk = this.desks[service];
    return {
      now: this.now,
      key,
      newId: this.newId,
      crypto,
      work: desk.work.get(key) ?? new Set(),
      other: (other) => desk.facts.get(other) ?? new Facts([]),
    };
  }
  facts(service: Exclude<ServiceName, 'audit'>, key: string): Facts {
    return this.desks[service].facts.get(key) ?? new Facts([]);
  }
  /** Every fact of the type that was ever said about the case. */
  said<T extends Fact['type']>(type: T): Extract<Fact, { type: T }>[] {
    return this.log.map(({ fact }) => fact).filter((fact): fact is Extract<Fact, { type: T }> => fact.type === type);
  }

  emit(by: ServiceName, drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      const fact = { id: this.newId('event'), type: draft.type, at: instant(this.now), data: draft.data } as Fact;
      this.log.push({ fact, key: draft.key, by });
      for (const service of Object.keys(this.desks) as Exclude<ServiceName, 'audit'>[]) {
        if (service === by) this.take(service, fact, draft.key);
        else for (let copies = this.random() < 0.1 ? 2 : 1; copies > 0; copies--) this.queue.push({ service, fact, key: draft.key });
      }
      if (entryOf(fact.type).gate && this.auditUp)
        this.emit('audit', [
          say('readmit.audit.recorded', draft.key, { caseId: draft.key, eventId: fact.id, type: fact.type, index: this.log.length }),
        ]);
    }
  }

  private take(service: Exclude<ServiceName, 'audit'>, fact: Fact, rawKey: string): void {
    const keys = [keysOf(service, fact, rawKey)].flat();
    const desk = this.desks[service];
    for (const key of keys) desk.facts.set(key, (desk.facts.get(key) ?? new Facts([])).with([fact]));
    if (fact.type === 'readmit.deadline.reached' && fact.data.owner === service) this.react(service, fact.data.key);
    for (const key of keys) this.react(service, key);
  }
  private react(service: Exclude<ServiceName, 'audit'>, key: string): void {
    const desk = this.desks[service];
    for (let round = 0; round < 50; round++) {
      const reaction = desk.react(this.facts(service, key), this.context(service, key));
      for (const work of reaction.work ?? []) {
        desk.work.set(key, (desk.work.get(key) ?? new Set()).add(work.id));
        this.pending.push({ service, work: { ...work, key } });
      }
      for (const id of reaction.cancel ?? []) this.drop(id);
      const wake = reaction.wakeAt ?? null;
      if (service !== 'revocation-scheduler' && wake && desk.wakes.get(key)?.getTime() !== wake.getTime()) {
        desk.wakes.set(key, wake);
        this.emit(service, [{ type: `readmit.${service}.deadline-set`, key, data: { key, deadline: instant(wake) } } as Draft]);
      } else if (wake) desk.wakes.set(key, wake);
      else desk.wakes.delete(key);
      if (reaction.emit.length === 0) return;
      this.emit(service, reaction.emit.slice(0, 1));
    }
    throw new Error(`${service} does not come to rest on ${key}`);
  }
  private drop(id: string): void {
    const index = this.pending.findIndex(({ work }) => work.id === id);
    if (index >= 0) this.pending.splice(index, 1);
  }

  command<R>(service: Exclude<ServiceName, 'audit'>, key: string, command: Command<R>): { reply?: R; refused?: string } {
    const outcome = command(this.facts(service, key), this.context(service, key));
    if (outcome.refused) return { refused: outcome.reason };
    this.emit(service, outcome.emit);
    const { refusal } = outcome.reply as { readonly refusal?: Refusal };
    return refusal ? { refused: refusal.reason } : { reply: outcome.reply };
  }

  /** Delivers everything and does all work, in the order of the seed, until nothing moves. */
  settle(): void {
    for (let moves = 0; this.queue.length + this.pending.length > 0; moves++) {
      if (moves > 20_000) throw new Error('the house does not come to rest');
      const workNow = this.queue.length === 0 || (this.pending.length > 0 && this.random() < 0.2);
      if (workNow) {
        const [item] = this.pending.splice(Math.floor(this.random() * this.pending.length), 1);
        if (item) this.perform(item.service, item.work);
      } else {
        const [item] = this.queue.splice(Math.floor(this.random() * this.queue.length), 1);
        if (item) this.take(item.service, item.fact, item.key);
      }
    }
  }
  /** Moves the clock in steps and wakes the scheduler, as its timers would. */
  advance(seconds: number): void {
    const until = this.now.getTime() + seconds * 1000;
    for (;;) {
      this.settle();
      const wakes = [...this.desks['revocation-scheduler'].wakes]
        .filter(([, at]) => at.getTime() <= until)
        .sort((a, b) => a[1].getTime() - b[1].getTime());
      const [next] = wakes;
      if (!next) break;
      if (next[1] > this.now) this.now = next[1];
      this.desks['revocation-scheduler'].wakes.delete(next[0]);
      this.react('revocation-scheduler', next[0]);
    }
    this.now = new Date(until);
    this.settle();
  }

  private perform(service: Exclude<ServiceName, 'audit'>, work: Work): void {
    const facts = this.facts(service, work.key);
    const context = this.context(service, work.key);
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    if (!opened) return;
    const caseId = work.key;
    switch (work.kind) {
      case 'classify': {
        const data = classify(
          opened.data,
          { known: true, directory, digest: sha256('d'), ageSeconds: 1 },
          { document: policy, digest: sha256('p') },
        );
        this.emit('classification', [
          say('readmit.case.classified', caseId, { ...data, codeNonce: context.newId('nonce') }),
          say('readmit.people.attested', caseId, {
            caseId,
            directory: { digest: sha256('d'), issuedAt: directory.issuedAt, ageSeconds: 1 },
            ...attest(opened.data, data, directory),
            contacts: [contactOnRecord],
          }),
        ]);
        return;
      }
      case 'attest': {
        const people = directory.people.filter(({ id }) => id === work.input['person']);
        this.emit('classification', [
          say('readmit.people.attested', caseId, {
            caseId,
            directory: { digest: sha256('d'), issuedAt: directory.issuedAt, ageSeconds: 1 },
            people: people.map(({ id, human, teams, authority, employment, privileged, keys: of }) => ({
              id,
              human,
              teams,
              authority,
              employment,
              privileged,
              keys: of,
            })),
            contacts: [],
            consumers: [],
          }),
        ]);
        return;
      }
      case 'notice':
        this.emit('intake', [
          say('readmit.notice.sent', caseId, {
            caseId,
            noticeId: work.id,
            about: work.input['about'] as 'opened',
            channel: 'mailbox',
            to: String(work.input['to']),
          }),
        ]);
        return;
      case 'plan': {
        if (!classified || !this.targetUp) return;
        const recipients = recipientsOf(facts).map(({ id, key }) => ({ id, fingerprint: key.fingerprint }));
        const built = buildPlan(
          opened.data,
          classified,
          recipients,
          opened.data.asks.map((ask) =>
            partsFor(
              ask.kind,
              ask,
              opened.data.durationSeconds,
              recipients.map((r) => r.fingerprint),
            ),
          ),
          crypto,
        );
        if ('refused' in built) this.emit('execution', [say('readmit.plan.refused', caseId, { caseId, ...built.refused })]);
        else this.emit('execution', [say('readmit.plan.proposed', caseId, { caseId, planId: context.newId('plan'), ...built })]);
        return;
      }
      case 'restore': {
        const intent = verifyIntent(facts, context);
        const executionId = context.newId('execution');
        if (intent.ok === 'wait') {
          this.pending.push({ service, work });
          return;
        }
        if (!intent.ok) {
          this.emit('execution', [
            say('readmit.execution.failed', caseId, {
              caseId,
              executionId,
              effect: 'none',
              rule: intent.rule,
              reason: intent.reason,
              says: intent.says,
            }),
          ]);
          return;
        }
        this.emit('execution', [
          say('readmit.execution.started', caseId, {
            caseId,
            executionId,
            planDigest: intent.grant.data.planDigest,
            grantId: intent.grant.data.grantId,
            endsAt: instant(this.now),
            holds: [...holdsOf(intent.plan)],
            held: heldBy(intent.plan),
          }),
          say('readmit.execution.succeeded', caseId, {
            caseId,
            executionId,
            planDigest: intent.grant.data.planDigest,
            after: [],
            sealed: [],
          }),
        ]);
        return;
      }
      case 'undo': {
        const obligationId = String(work.input['obligationId']);
        const due = latestDue(facts, obligationId);
        const undo = planGranted(facts)?.data.plan.obligations.find(({ id }) => id === obligationId);
        // A later question has work of its own.
        if (due && due.id === work.input['dueId'])
          this.emit('execution', [say('readmit.revocation.confirmed', caseId, answerTo(due, undo, 'undone', { sessionsEnded: 1 }))]);
        return;
      }
      case 'watch':
        if (!this.used || !watched(facts)) return;
        if (opened.data.subject.kind === 'machine')
          this.emit('execution', [say('readmit.consumer.confirmed', caseId, { caseId, consumer: 'payroll-app', object: 'payroll_b' })]);
        else
          this.emit('execution', [
            say('readmit.enrolment.confirmed', caseId, { caseId, connector: 'idp', object: 'ada', factor: 'totp-2' }),
          ]);
        return;
      default:
        throw new Error(`unknown work ${work.kind}`);
    }
  }

  open(
    asks: readonly { kind: AskKind; object: string; entitlement?: string }[],
    subject: { kind: 'person' | 'machine'; id: string },
    requester?: string,
    durationSeconds = 600,
  ): string {
    const caseId = this.newId('case');
    this.say('intake', caseId, asks, subject, requester, durationSeconds);
    this.settle();
    return caseId;
  }
  /** Opens a case whose target cannot be read: no plan is ever made. */
  openUnplanned(asks: readonly { kind: AskKind; object: string }[], subject: { kind: 'person' | 'machine'; id: string }): string {
    this.targetUp = false;
    return this.open(asks, subject);
  }
  /** Opens a case that approval alone has heard of so far. */
  openUnsettled(
    asks: readonly { kind: AskKind; object: string }[],
    subject: { kind: 'person' | 'machine'; id: string },
    caseId: string,
  ): void {
    this.say('intake', caseId, asks, subject, undefined, 600);
    const waiting = this.queue.findIndex((item) => item.service === 'approval' && item.key === caseId);
    const [item] = this.queue.splice(waiting, 1);
    if (item) this.take(item.service, item.fact, item.key);
  }
  private say(
    by: 'intake',
    caseId: string,
    asks: readonly { kind: AskKind; object: string; entitlement?: string }[],
    subject: { kind: 'person' | 'machine'; id: string },
    requester: string | undefined,
    durationSeconds: number,
  ): void {
    this.emit(by, [
      say('readmit.case.opened', caseId, {
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
  /** Attests a second account of chidi, who is on call, in the other team of the quorum and with a key of its own. */
  attestChidiAsOwner(caseId: string): string {
    const id = 'chidi-owner';
    const attested = this.facts('classification', caseId).last('readmit.people.attested');
    const chidi = attested?.data.people.find((person) => person.id === 'chidi');
    const x = keys.get(id)?.x;
    if (!attested || !chidi || x === undefined) throw new Error('chidi is not attested for the case');
    const key = { kid: `${id}-key`, type: 'software-key' as const, key: { kty: 'OKP' as const, crv: 'Ed25519' as const, x } };
    const people = [{ ...chidi, id, teams: ['system-owner'], keys: [key] }];
    this.emit('classification', [say('readmit.people.attested', caseId, { ...attested.data, people })]);
    this.settle();
    return id;
  }
  /** The code that whoever asked with a key of the case reads out; undefined when nobody did. */
  codeOf(caseId: string): string | undefined {
    const caseKey = this.facts('approval', caseId).first('readmit.case.opened')?.data.caseKey;
    const nonce = this.facts('approval', caseId).last('readmit.case.classified')?.data.codeNonce;
    return caseKey && nonce !== undefined ? codeOf(nonce, caseKey.fingerprint, crypto) : undefined;
  }
  prove(caseId: string, by = 'boris', kind: 'call-back' | 'owner-confirmation' = 'call-back'): { refused?: string } {
    const outcome = this.command(
      'approval',
      caseId,
      addEvidence(by, {
        kind,
        channel: kind === 'call-back' ? 'phone' : 'directory',
        assurance: 2,
        note: `${by} did the ${kind}`,
        salt: sha256(`${by}${kind}`),
        contact: kind === 'call-back' ? contactOnRecord : undefined,
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
