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
import { reasonRow } from '../outbound/order-reasons.js';

export interface SchedulerPorts {
  readonly commands: Commands;
  readonly publicUrl: string;
  readonly now: () => Date;
  /** Reasons given in a case, by their digest in its events. */
  readonly reasons: (caseId: string) => Promise<ReadonlyMap<string, string>>;
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
    const reasons = await this.reasonsFor(call);
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
        ...reasonOf(reasons, reasonDigest),
      })),
    }));
  }

  @Serves('showOrders')
  async orders(call: Call<'showOrders'>): Promise<AnswerOf<'showOrders'>> {
    const { caseId } = call.params;
    const facts = await this.ports.commands.facts(caseId);
    // A containment of a case that this service does not know yet is shown only to those who may read every case.
    if (!call.actor || !readsEveryCase(call.actor)) mustRead(facts, call);
    const reasons = await this.reasonsFor(call);
    const contained = facts.of('readmit.containment.ordered').map(({ at, data }) => ({
      at,
      by: data.by,
      order: 'contain' as const,
      ...reasonOf(reasons, data.reasonDigest),
    }));
    const ended = facts
      .of('readmit.revocation.due')
      .filter(({ data }) => data.cause === 'ended-by-person')
      // One order makes several obligations due at the same time.
      .filter((fact, index, all) => index === all.findIndex((other) => other.at === fact.at && other.data.by === fact.data.by))
      .map(({ at, data }) => ({ at, by: data.by ?? 'unknown', order: 'end' as const, ...reasonOf(reasons, data.reasonDigest) }));
    return [...contained, ...ended].sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  @Serves('endEarly')
  async end(call: Call<'endEarly'>): Promise<AnswerOf<'endEarly'>> {
    const { caseId } = call.params;
    const who = whoOf(call);
    // There is nothing to record for an unknown case.
    if (!who || !(await this.ports.commands.facts(caseId)).has('readmit.case.opened')) throw refused(unknownCase());
    const row = reasonRow(call.body.reason);
    const actor = call.actor?.id ?? 'case-key';
    answer(await this.ports.commands.command({ key: caseId, name: 'end-early', actor, rows: [row] }, endEarly(who, row)));
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
    // A misspelt id must not look like a containment. These refusals belong to no case, so they are recorded under the route.
    const no = open.length === 0 ? nothingOpen(subjectId) : blankReason(reason);
    if (no) answer(await this.ports.commands.command({ key: 'http:containSubject', name: 'contain', actor: by }, () => no));
    // Each case is a command with its own lock, as if it had been named; concurrent commands share a transaction. One failure must not
    // prevent the others from being contained. A repetition, also after a crash, finds what was contained already.
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
    const row = reasonRow(reason);
    const order = contain(by, row);
    const will = answer(
      await this.ports.commands.command({ key: caseId, name: 'contain', actor: by, rows: [row] }, (facts, context) => {
        const decided = order(facts, context);
        // Previewed with the facts before the order: after it, every undo is requested again, even if it was done already.
        return decided.refused ? decided : { ...decided, reply: whatContainmentDoes(facts, context.now) };
      }),
    );
    return { caseId, link: this.link(caseId), will };
  }

  /** Reasons are shown only after a sign-in: the holder of the case's key may be the attacker because of whom an operator stopped it. */
  private async reasonsFor({ actor, params }: Pick<Call<'showOrders'>, 'actor' | 'params'>): Promise<ReadonlyMap<string, string>> {
    return actor ? this.ports.reasons(params.caseId) : new Map();
  }

  private link(caseId: string): string {
    return `${this.ports.publicUrl}/api/revocation/cases/${caseId}`;
  }
}

const whatContainmentDoes = (facts: Facts, now: Date): string[] => [
  ...(facts.has('readmit.case.opened') ? [] : ['Record it now: the case has not reached this service yet.']),
  'Start nothing more for the case.',
  ...containPreview(facts, now).falls.map(({ undo, discharged }) =>
    discharged ? `Read the target again and, if anything is left: ${undo.says}` : undo.says,
  ),
];

const reasonOf = (reasons: ReadonlyMap<string, string>, digest: string | undefined): { readonly reason?: string } => {
  const reason = digest === undefined ? undefined : reasons.get(digest);
  return reason === undefined ? {} : { reason };
};

const whoOf = ({ actor, proof }: Pick<Call, 'actor' | 'proof'>): WhoEnds | undefined =>
  actor ? { id: actor.id, teams: actor.teams } : proof && { caseKey: proof.signing.x };

/** Obligations are shown to those who may read the case and to the key that requested it; for others the case does not exist. */
function mustRead(facts: Facts, { actor, proof }: Pick<Call, 'actor' | 'proof'>): void {
  const may = actor ? mayReadCase(facts, actor) : proof !== undefined && mayEndCase(facts, { caseKey: proof.signing.x });
  if (!may) throw refused(unknownCase());
}
