import type { Commands } from '@readmit/runtime';
import {
  blankReason,
  contain,
  containPreview,
  endEarly,
  endPreview,
  instant,
  mayEndCase,
  mayReadCase,
  nothingOpen,
  obligationsOf,
  obligationState,
  readsEveryCase,
  unknownCase,
  type Facts,
  type WhoEnds,
} from '@readmit/domain';
import { answer, refused, Serves, unavailable, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';
import { wordsOf } from '../outbound/order-words.js';

export interface SchedulerPorts {
  readonly commands: Commands;
  readonly publicUrl: string;
  readonly now: () => Date;
  /** Reasons of a case by the digest that its events have. */
  readonly words: (caseId: string) => Promise<ReadonlyMap<string, string>>;
  readonly overdue: () => Promise<AnswerOf<'listOverdue'>>;
  /** Cases of a subject that are not closed. */
  readonly openCases: (subject: string) => Promise<readonly string[]>;
}
export const schedulerPorts = Symbol('SchedulerPorts');

@Controller()
export class ObligationsController {
  constructor(@Inject(schedulerPorts) private readonly ports: SchedulerPorts) {}

  @Serves('listOverdue')
  overdue(): Promise<AnswerOf<'listOverdue'>> {
    return this.ports.overdue();
  }

  @Serves('showObligations')
  async show(call: Call<'showObligations'>): Promise<AnswerOf<'showObligations'>> {
    const { caseId } = call.params;
    const facts = await this.ports.commands.facts(caseId);
    mustRead(facts, call);
    const now = this.ports.now();
    const ifEnded = new Set(endPreview(facts, now).falls.map(({ id }) => id));
    const ifContained = new Set(containPreview(facts, now).falls.map(({ id }) => id));
    const words = await this.wordsFor(call);
    return obligationsOf(facts, now).map((obligation) => ({
      obligationId: obligation.id,
      undo: obligation.undo,
      dueAt: obligation.dueAt ? instant(obligation.dueAt) : null,
      state: obligationState(obligation, facts),
      how: obligation.discharged?.data.how ?? null,
      ifEnded: ifEnded.has(obligation.id) ? ('falls' as const) : ('stays' as const),
      ifContained: ifContained.has(obligation.id) ? ('falls' as const) : ('stays' as const),
      dues: obligation.questions.map(({ at, data: { cause, by, reasonDigest } }) => ({
        at,
        cause,
        ...(by === undefined ? {} : { by }),
        ...reasonOf(words, reasonDigest),
      })),
    }));
  }

  @Serves('showOrders')
  async orders(call: Call<'showOrders'>): Promise<AnswerOf<'showOrders'>> {
    const { caseId } = call.params;
    const facts = await this.ports.commands.facts(caseId);
    // What was contained before the case was known here is for those to see who read every case.
    if (!call.actor || !readsEveryCase(call.actor)) mustRead(facts, call);
    const words = await this.wordsFor(call);
    const contained = facts.of('readmit.containment.ordered').map(({ at, data }) => ({
      at,
      by: data.by,
      order: 'contain' as const,
      ...reasonOf(words, data.reasonDigest),
    }));
    const ended = facts
      .of('readmit.revocation.due')
      .filter(({ data }) => data.cause === 'ended-by-person')
      // One order makes several obligations due in one moment.
      .filter((fact, index, all) => index === all.findIndex((other) => other.at === fact.at && other.data.by === fact.data.by))
      .map(({ at, data }) => ({ at, by: data.by ?? 'unknown', order: 'end' as const, ...reasonOf(words, data.reasonDigest) }));
    return [...contained, ...ended].sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  @Serves('endEarly')
  async end(call: Call<'endEarly'>): Promise<AnswerOf<'endEarly'>> {
    const { caseId } = call.params;
    const who = whoOf(call);
    // Of a case that is not known there is nothing to put on record.
    if (!who || !(await this.ports.commands.facts(caseId)).has('readmit.case.opened')) throw refused(unknownCase());
    const words = wordsOf(call.body.reason);
    const actor = call.actor?.id ?? 'case-key';
    answer(await this.ports.commands.command({ key: caseId, name: 'end-early', actor, rows: [words] }, endEarly(who, words)));
    return { caseId, link: this.link(caseId) };
  }

  @Serves('contain')
  async contain(call: Call<'contain'>): Promise<AnswerOf<'contain'>> {
    return this.containCase(call.params.caseId, call.actor?.id ?? 'anonymous', call.body.reason);
  }

  @Serves('containSubject')
  async containSubject(call: Call<'containSubject'>): Promise<AnswerOf<'containSubject'>> {
    const { subjectId } = call.params;
    const { reason } = call.body;
    const by = call.actor?.id ?? 'anonymous';
    const open = await this.ports.openCases(subjectId);
    // A misspelt id must not look like a containment. These refusals are no case's, so they are recorded under the route.
    const no = open.length === 0 ? nothingOpen(subjectId) : blankReason(reason);
    if (no) answer(await this.ports.commands.command({ key: 'http:containSubject', name: 'contain', actor: by }, () => no));
    // Each under its own lock, as if it had been named, and all in one transaction. One that fails must not keep the others from being
    // contained; done again, also after a crash, it finds those contained that were.
    const done = await Promise.allSettled(open.map((caseId) => this.containCase(caseId, by, reason)));
    const failed = done.find((one) => one.status === 'rejected');
    if (failed) {
      const left = open.filter((_, at) => done[at]?.status === 'rejected');
      const says = `Contained ${open.length - left.length} of ${open.length} open cases of ${subjectId}. Not contained: ${left.join(', ')}. Repeat it.`;
      throw unavailable('containment-incomplete', says, failed.reason);
    }
    return { subject: subjectId, cases: done.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])) };
  }

  private async containCase(caseId: string, by: string, reason: string): Promise<AnswerOf<'contain'>> {
    const words = wordsOf(reason);
    const order = contain(by, words);
    const will = answer(
      await this.ports.commands.command({ key: caseId, name: 'contain', actor: by, rows: [words] }, (facts, context) => {
        const said = order(facts, context);
        // By what holds before the order: afterwards everything is asked for anew, also what was taken back already.
        return said.refused ? said : { ...said, reply: whatContainmentDoes(facts, context.now) };
      }),
    );
    return { caseId, link: this.link(caseId), will };
  }

  /** Words are for who signs in: why an operator stopped a case must not be told to whoever holds its key, who may be why. */
  private async wordsFor({ actor, params }: Pick<Call<'showOrders'>, 'actor' | 'params'>): Promise<ReadonlyMap<string, string>> {
    return actor ? this.ports.words(params.caseId) : new Map();
  }

  private link(caseId: string): string {
    return `${this.ports.publicUrl}/api/revocation/cases/${caseId}`;
  }
}

const whatContainmentDoes = (facts: Facts, now: Date): string[] => [
  ...(facts.has('readmit.case.opened') ? [] : ['Remember it: this service has not received the case yet.']),
  'Let nothing begin for the case any more.',
  ...containPreview(facts, now).falls.map(({ undo, discharged }) =>
    discharged ? `Read the target again and, if anything is left: ${undo.says}` : undo.says,
  ),
];

const reasonOf = (words: ReadonlyMap<string, string>, digest: string | undefined): { readonly reason?: string } => {
  const reason = digest === undefined ? undefined : words.get(digest);
  return reason === undefined ? {} : { reason };
};

const whoOf = ({ actor, proof }: Pick<Call, 'actor' | 'proof'>): WhoEnds | undefined =>
  actor ? { id: actor.id, teams: actor.teams } : proof && { caseKey: proof.signing.x };

/** What a case owes is for who may read it, and for the key that asked; for others there is no such case. */
function mustRead(facts: Facts, { actor, proof }: Pick<Call, 'actor' | 'proof'>): void {
  const may = actor ? mayReadCase(facts, actor) : proof !== undefined && mayEndCase(facts, { caseKey: proof.signing.x });
  if (!may) throw refused(unknownCase());
}
