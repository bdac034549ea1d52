import { createHash, randomBytes } from 'node:crypto';
import type { Commands } from '@readmit/bus';
import { entryOf, type Fact } from '@readmit/contracts';
import { refusal, shownToKey, type Facts, type Refusal } from '@readmit/domain';
import { answer, refused, Serves, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';
import canonicalize from 'canonicalize';
import { openCase, repudiate } from '../usecases/intake.commands.js';
import { viewOf, type CaseWords, type Ledger, type LedgerView } from '../outbound/ledger.js';
import { intakePorts, type IntakePorts } from './ports.js';

const notFound = (caseId: string): Refusal =>
  refusal('not-found', 'R8.1', 'case-unknown', `There is no case ${caseId} (or this service has not heard of it yet).`);

@Controller()
export class CasesController {
  private readonly commands: Commands;
  private readonly ledger: Ledger;

  constructor(@Inject(intakePorts) private readonly ports: IntakePorts) {
    this.commands = ports.commands;
    this.ledger = ports.ledger;
  }

  @Serves('openCase')
  async open(call: Call<'openCase'>): Promise<AnswerOf<'openCase'>> {
    const caseId = call.idempotencyKey === undefined ? this.ports.newId('case') : caseIdOf(call.idempotencyKey, call);
    const salt = randomBytes(16).toString('base64url');
    const reasonDigest = createHash('sha256')
      .update(JSON.stringify([salt, call.body.reason]))
      .digest('hex');
    const words: CaseWords = { kind: 'words', salt, reason: call.body.reason };
    const command = openCase({
      body: call.body,
      actor: call.actor?.id,
      provenKey: call.proof?.signing.x,
      reasonDigest,
      fingerprintOf: (key) =>
        createHash('sha256')
          .update(canonicalize(key) ?? '')
          .digest('hex'),
    });
    answer(await this.commands.command({ key: caseId, name: 'open-case', actor: call.actor?.id ?? 'anonymous', rows: [words] }, command));
    return { caseId, link: this.link(caseId) };
  }

  @Serves('listCases')
  async list(call: Call<'listCases'>): Promise<AnswerOf<'listCases'>> {
    const views = await this.ledger.list({ ...call.query, limit: call.query.limit ?? 50 });
    const words = await this.ledger.words(views.map((view) => view.caseId));
    return views.map((view) => withWords(view, words.get(view.caseId)));
  }

  @Serves('showCase')
  async show(call: Call<'showCase'>): Promise<AnswerOf<'showCase'>> {
    const { caseId } = call.params;
    const shown = await this.mayRead(caseId, call);
    const view = call.actor ? await this.ledger.show(caseId) : viewOf(shown);
    if (!view) throw refused(notFound(caseId));
    return withWords(view, call.actor ? (await this.ledger.words([caseId])).get(caseId) : undefined);
  }

  @Serves('caseTimeline')
  async timeline(call: Call<'caseTimeline'>): Promise<AnswerOf<'caseTimeline'>> {
    const facts = await this.mayRead(call.params.caseId, call);
    return facts.all.map((fact) => ({
      at: fact.at,
      id: fact.id,
      type: fact.type,
      label: entryOf(fact.type).label,
      by: entryOf(fact.type).producer,
      says: sentence(fact),
    }));
  }

  @Serves('repudiate')
  async repudiate(call: Call<'repudiate'>): Promise<AnswerOf<'repudiate'>> {
    const { caseId } = call.params;
    const actor = call.actor?.id ?? 'anonymous';
    answer(await this.commands.command({ key: caseId, name: 'repudiate', actor, ifVersion: call.ifMatch }, repudiate(actor)));
    return { caseId, link: this.link(caseId) };
  }

  /** What the caller may see of the case. People who are signed in may read every case; a case key its own alone. */
  private async mayRead(caseId: string, call: Pick<Call, 'actor' | 'proof'>): Promise<Facts> {
    const facts = await this.commands.facts(caseId);
    const opened = facts.first('readmit.case.opened');
    if (!opened) throw refused(notFound(caseId));
    // The same answer as for a case that does not exist: a stranger's key learns nothing.
    if (!call.actor && opened.data.caseKey?.signing.x !== call.proof?.signing.x) throw refused(notFound(caseId));
    return call.actor ? facts : shownToKey(facts);
  }
  private link(caseId: string): string {
    return `${this.ports.publicUrl}/api/intake/cases/${caseId}`;
  }
}

/** The same for the same key of the same client, and out of anybody else's reach. */
function caseIdOf(idempotencyKey: string, { actor, proof }: Pick<Call, 'actor' | 'proof'>): string {
  const client = actor ? ['person', actor.id] : ['key', proof?.signing.x ?? null];
  const digest = createHash('sha256').update(JSON.stringify(['readmit case', ...client, idempotencyKey]));
  return `case_${digest.digest('hex').slice(0, 32)}`;
}

function withWords(view: LedgerView, reason: string | undefined): AnswerOf<'showCase'> {
  return { ...(view as unknown as AnswerOf<'showCase'>), ...(reason === undefined ? {} : { reason }) };
}

/** What the timeline says of a fact, from its public fields. */
function sentence(fact: Fact): string {
  switch (fact.type) {
    case 'readmit.case.opened':
      return `${fact.data.asks.map((ask) => `${ask.kind} on ${ask.connector}/${ask.object}${ask.entitlement ? `/${ask.entitlement}` : ''}`).join(', ')} for ${fact.data.subject.id}`;
    case 'readmit.case.classified':
      return `${fact.data.class}, ${fact.data.tier}, policy ${fact.data.policy.version}`;
    case 'readmit.plan.proposed':
      return fact.data.plan.steps.map((step) => step.says).join('; ');
    case 'readmit.plan.refused':
    case 'readmit.execution.failed':
      return `${fact.data.rule} ${fact.data.reason}: ${fact.data.says}`;
    case 'readmit.evidence.added':
      return `${fact.data.kind} by ${fact.data.collectedBy}`;
    case 'readmit.decision.recorded':
      return `${fact.data.decision.statement.decision} by ${fact.data.decision.statement.approver} (${fact.data.decision.proof.type})`;
    case 'readmit.approval.granted':
      return `good until ${fact.data.goodUntil}`;
    case 'readmit.obligation.recorded':
      return `${fact.data.undo.says.replace(/\.$/, '')}, at the latest ${fact.data.hardBound}`;
    case 'readmit.execution.started':
      return `ends ${fact.data.endsAt}`;
    case 'readmit.revocation.due':
      return fact.data.by ? `${fact.data.cause}, ${fact.data.by}` : fact.data.cause;
    case 'readmit.revocation.confirmed':
      return `${fact.data.how}, ${fact.data.sessionsEnded} sessions ended`;
    case 'readmit.revocation.failed':
      return `try ${fact.data.tries}: ${fact.data.reason}`;
    case 'readmit.obligation.discharged':
      return `${fact.data.kind}: ${fact.data.how}`;
    case 'readmit.consumer.confirmed':
      return `${fact.data.consumer} uses ${fact.data.object}`;
    case 'readmit.notice.sent':
      return `${fact.data.about}, by ${fact.data.channel}`;
    case 'readmit.case.closed':
      return fact.data.outcome;
    default:
      return fact.type.endsWith('.refused') && 'says' in fact.data && 'actor' in fact.data
        ? `${fact.data.actor}: ${fact.data.rule} ${fact.data.reason}`
        : '';
  }
}
