import type { Commands } from '@readmit/bus';
import { contain, endEarly, instant, obligationsOf, refusal, type Facts } from '@readmit/domain';
import { answer, refused, Serves, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';

export interface SchedulerPorts {
  readonly commands: Commands;
  readonly publicUrl: string;
  readonly now: () => Date;
}
export const schedulerPorts = Symbol('SchedulerPorts');

@Controller()
export class ObligationsController {
  constructor(@Inject(schedulerPorts) private readonly ports: SchedulerPorts) {}

  @Serves('showObligations')
  async show(call: Call<'showObligations'>): Promise<AnswerOf<'showObligations'>> {
    const facts = await this.ports.commands.facts(call.params.caseId);
    mayUse(facts, call);
    return obligationsOf(facts, this.ports.now()).map((obligation) => ({
      obligationId: obligation.id,
      undo: obligation.undo,
      dueAt: obligation.dueAt ? instant(obligation.dueAt) : null,
      state: obligation.discharged
        ? ('discharged' as const)
        : obligation.dueSaid
          ? facts.of('readmit.revocation.overdue').some((fact) => fact.data.obligationId === obligation.id)
            ? ('overdue' as const)
            : ('due' as const)
          : obligation.dueAt
            ? ('armed' as const)
            : ('recorded' as const),
      how: obligation.discharged?.data.how ?? null,
    }));
  }

  @Serves('endEarly')
  async end(call: Call<'endEarly'>): Promise<AnswerOf<'endEarly'>> {
    const { caseId } = call.params;
    mayUse(await this.ports.commands.facts(caseId), call);
    const by = call.actor?.id ?? 'case-key';
    answer(await this.ports.commands.command({ key: caseId, name: 'end-early', actor: by }, endEarly(by)));
    return { caseId, link: this.link(caseId) };
  }

  @Serves('contain')
  async contain(call: Call<'contain'>): Promise<AnswerOf<'contain'>> {
    const { caseId } = call.params;
    const by = call.actor?.id ?? 'anonymous';
    answer(await this.ports.commands.command({ key: caseId, name: 'contain', actor: by }, contain(by)));
    return { caseId, link: this.link(caseId) };
  }

  private link(caseId: string): string {
    return `${this.ports.publicUrl}/api/revocation/cases/${caseId}`;
  }
}

/** Anybody who is signed in may look and may take power away; a case key may do so for its own case. */
function mayUse(facts: Facts, call: Pick<Call, 'actor' | 'proof'>): void {
  if (call.actor) return;
  const key = facts.first('readmit.case.opened')?.data.caseKey?.signing.x;
  if (key === undefined || key !== call.proof?.signing.x)
    throw refused(
      refusal('not-found', 'R8.1', 'case-unknown', 'This service knows of no case that this key may end (or has not heard of it yet).'),
    );
}
