import { createHash } from 'node:crypto';
import { engineCrypto, salted } from '@readmit/signing';
import type { Commands } from '@readmit/runtime';
import { entryOf } from '@readmit/contracts';
import {
  caseView,
  recordingRefusal,
  mayReadCase,
  openCase,
  readsEveryCase,
  refusal,
  repudiate,
  shownToKey,
  timelineOf,
  type CaseRow,
  type CaseView,
  type Facts,
  type IntakeFacts,
  type CommandRefusal,
} from '@readmit/domain';
import { answer, ProblemError, refused, Serves, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';
import type { CaseWords, RepudiationWords } from '../outbound/intake-row.js';
import type { CaseTexts, Ledger } from '../outbound/ledger.js';
import { isRepudiationCode } from '../outbound/repudiation-code.js';
import { intakePorts, type IntakePorts } from './ports.js';

const notFound = (caseId: string): CommandRefusal =>
  refusal('not-found', 'R8.1', 'case-unknown', `There is no case ${caseId}, or it has not reached this service yet.`);

@Controller()
export class CasesController {
  private readonly commands: Commands;
  private readonly ledger: Ledger;

  constructor(@Inject(intakePorts) private readonly ports: IntakePorts) {
    this.commands = ports.commands;
    this.ledger = ports.ledger;
  }

  @Serves('signInWith')
  signInWith(): Promise<AnswerOf<'signInWith'>> {
    return Promise.resolve(this.ports.signIn);
  }

  @Serves('openCase')
  async open(call: Call<'openCase'>): Promise<AnswerOf<'openCase'>> {
    const caseId = call.idempotencyKey === undefined ? this.ports.newId('case') : caseIdOf(call.idempotencyKey, call);
    const { salt, digest } = salted(call.body.reason);
    const words: CaseWords = { kind: 'words', salt, reason: call.body.reason };
    const actor = call.actor?.id;
    const command = openCase({ body: call.body, actor, provenKey: call.proof?.signing.x, reasonDigest: digest });
    const requested = {
      ...call.body,
      requester: actor === undefined ? ({ kind: 'anonymous' } as const) : ({ kind: 'person', id: actor } as const),
    };
    const about = { name: 'open-case', actor: actor ?? 'anonymous' };
    const opened = await this.ports.openCases.within(caseId, requested, () =>
      this.commands.command({ ...about, key: caseId, rows: [words] }, command),
    );
    // Refused by a limit: there is no case to record it under, so it is recorded under the route.
    if ('refused' in opened && opened.refused.reason === 'too-many-open-cases')
      await this.commands.command({ ...about, key: 'http:openCase' }, () => opened.refused);
    answer(opened);
    return { caseId, link: this.link(caseId) };
  }

  @Serves('listCases')
  async list(call: Call<'listCases'>): Promise<AnswerOf<'listCases'>> {
    const { actor, query } = call;
    const all = actor !== undefined && readsEveryCase(actor);
    const views = await this.ledger.list({ ...query, limit: query.limit ?? 50, ...(all ? {} : { reader: actor?.id ?? '' }) });
    const texts = await this.ledger.texts(views.map((view) => view.caseId));
    return views.map((view) => withTexts(view, texts.get(view.caseId)));
  }

  @Serves('showCase')
  async show(call: Call<'showCase'>): Promise<AnswerOf<'showCase'>> {
    const { caseId } = call.params;
    const { facts, shown, ownKey, texts } = await this.readable(caseId, call);
    const view = caseView(shown, this.ports.now(), engineCrypto, texts);
    if (!view) throw refused(notFound(caseId));
    const codeNonce = ownKey ? facts.first('readmit.case.classified')?.data.codeNonce : undefined;
    return { ...withTexts(view, texts), ...(codeNonce === undefined ? {} : { codeNonce }) };
  }

  @Serves('caseTimeline')
  async timeline(call: Call<'caseTimeline'>): Promise<AnswerOf<'caseTimeline'>> {
    const { caseId } = call.params;
    const { shown, texts } = await this.readable(caseId, call);
    return timelineOf(shown, texts).map(({ fact, actor, sentence }) => ({
      at: fact.at,
      id: fact.id,
      type: fact.type,
      label: entryOf(fact.type).label,
      by: entryOf(fact.type).producer,
      ...(actor === undefined ? {} : { actor }),
      says: sentence,
    }));
  }

  @Serves('repudiate')
  async repudiate(call: Call<'repudiate'>): Promise<AnswerOf<'repudiate'>> {
    const { caseId } = call.params;
    const { code, reason } = call.body;
    if (!call.actor && code === undefined)
      throw new ProblemError(401, 'credentials-missing', 'Sign in, or send the code of a notice of the case.', {
        headers: { 'www-authenticate': 'Bearer realm="readmit"' },
      });
    const about = { name: 'repudiate', actor: call.actor?.id ?? 'anonymous' };
    if (!(await this.commands.facts(caseId)).has('readmit.case.opened')) {
      // Without a case there is nothing to store the text for. If the caller is signed in, the refusal is recorded under the route.
      if (call.actor) await this.commands.command({ ...about, key: 'http:repudiate' }, () => notFound(caseId));
      throw refused(notFound(caseId));
    }
    const { salt, digest } = salted(reason);
    const row: RepudiationWords = { kind: 'repudiation', salt, reason, digest };
    const codeRight = code === undefined ? undefined : await this.isCodeOf(caseId, code);
    const done = await this.commands.command(
      { ...about, key: caseId, rows: [row], ifVersion: call.ifMatch },
      recordingRefusal(about, repudiate({ actor: call.actor, codeRight, why: { reason, digest } })),
    );
    const reply = answer(done);
    if ('refusal' in reply) throw refused(reply.refusal);
    return { caseId, link: this.link(caseId) };
  }

  private async isCodeOf(caseId: string, code: string): Promise<boolean> {
    const salt = (await this.ledger.texts([caseId])).get(caseId)?.salt;
    return salt !== undefined && isRepudiationCode(code, salt, caseId);
  }

  /** What the caller may see of the case: all of it for its parties, operators and auditors; the holder of a case key sees only that case. */
  private async readable(
    caseId: string,
    call: Pick<Call, 'actor' | 'proof'>,
  ): Promise<{ readonly facts: Facts; readonly shown: IntakeFacts; readonly ownKey: boolean; readonly texts?: Partial<CaseTexts> }> {
    const facts = await this.commands.facts(caseId);
    const key = facts.first('readmit.case.opened')?.data.caseKey?.signing.x;
    const ownKey = key !== undefined && key === call.proof?.signing.x;
    // Erased texts are absent, as for a caller who may not read them.
    if (call.actor && mayReadCase(facts, call.actor))
      return { facts, shown: facts, ownKey, texts: (await this.ledger.texts([caseId])).get(caseId) ?? {} };
    if (ownKey) return { facts, shown: shownToKey(facts), ownKey };
    // The same response as for a case that does not exist: a stranger learns nothing.
    throw refused(notFound(caseId));
  }
  private link(caseId: string): string {
    return `${this.ports.publicUrl}/api/intake/cases/${caseId}`;
  }
}

/** Derived from client and idempotency key: a retry by the same client gets the same id, and no other client can produce it. */
function caseIdOf(idempotencyKey: string, { actor, proof }: Pick<Call, 'actor' | 'proof'>): string {
  const client = actor ? ['person', actor.id] : ['key', proof?.signing.x ?? null];
  const digest = createHash('sha256').update(JSON.stringify(['readmit case', ...client, idempotencyKey]));
  return `case_${digest.digest('hex').slice(0, 32)}`;
}

function withTexts(view: CaseRow | CaseView, texts: Partial<CaseTexts> | undefined): AnswerOf<'showCase'> {
  const { reason, repudiation } = texts ?? {};
  return {
    ...(view as unknown as AnswerOf<'showCase'>),
    ...(reason === undefined ? {} : { reason }),
    ...(repudiation === undefined ? {} : { repudiation }),
  };
}
