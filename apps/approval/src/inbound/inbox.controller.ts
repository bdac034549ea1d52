import { approvalState, instant, needsOf, whyWaiting, type Crypto } from '@readmit/domain';
import { Serves, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';
import { inboxOf, type Cursor, type Waits } from '../outbound/inbox-rows.js';
import { approvalPorts, type ApprovalPorts } from './approval.controller.js';

type Item = AnswerOf<'inbox'>['items'][number];

@Controller()
export class InboxController {
  constructor(@Inject(approvalPorts) private readonly ports: ApprovalPorts) {}

  @Serves('inbox')
  async inbox({ actor, query }: Call<'inbox'>): Promise<AnswerOf<'inbox'>> {
    const now = this.ports.now();
    const { waits, next } = await inboxOf(this.ports.store, this.ports.crypto, {
      person: actor?.id ?? '',
      after: query.after === undefined ? undefined : cursorIn(query.after),
      limit: query.limit ?? 50,
      now,
    });
    return { items: waits.map((one) => itemOf(one, now, this.ports.crypto)), next: next ? `${next.deadline}/${next.caseId}` : null };
  }
}

/** `<deadline>/<case>`: an instant has no slash. */
function cursorIn(text: string): Cursor {
  const at = text.indexOf('/');
  return { deadline: instant(new Date(text.slice(0, at))), caseId: text.slice(at + 1) };
}

function itemOf({ caseId, facts, waiting }: Waits, now: Date, crypto: Crypto): Item {
  const opened = facts.first('readmit.case.opened')?.data;
  const classified = facts.last('readmit.case.classified')?.data;
  if (!opened || !classified) throw new Error(`this is a bug: ${caseId} is in an inbox and is not classified`);
  const { what, since, deadline, teams, parts } = waiting;
  return {
    caseId,
    what,
    class: classified.class,
    tier: classified.tier,
    subject: opened.subject,
    asks: opened.asks,
    since,
    until: instant(deadline),
    teams: [...teams],
    parts: [...parts],
    needs: needsOf(facts, approvalState(facts, now, crypto), now, crypto),
    why: whyWaiting(waiting),
  };
}
