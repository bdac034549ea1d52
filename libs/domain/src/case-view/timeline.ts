import type { Fact, FactOf } from '@readmit/contracts';
import type { Facts } from '../kernel/facts.js';
import { sentenceOf, type Affected, type CaseTexts } from './sentences.js';

/** The person or external program who did it, if any. */
export function actorOf(fact: Fact): string | undefined {
  switch (fact.type) {
    case 'readmit.case.opened':
      return fact.data.requester.id ?? fact.data.requester.kind;
    case 'readmit.evidence.added':
      return fact.data.collectedBy;
    case 'readmit.decision.recorded':
      return fact.data.decision.statement.approver;
    case 'readmit.consumer.confirmed':
      return fact.data.consumer;
    default:
      return 'actor' in fact.data ? fact.data.actor : 'by' in fact.data ? fact.data.by : undefined;
  }
}

export interface TimelineEntry {
  readonly fact: Fact;
  readonly actor: string | undefined;
  readonly sentence: string;
}

/** The types that are read to name what an obligation undoes. */
type TimelineFacts = Facts<'readmit.obligation.recorded' | 'readmit.approval.granted'>;

/** What happened in the case, earliest first. `words`: what people wrote, if the caller may read it. */
export function timelineOf(facts: TimelineFacts, words?: CaseTexts): readonly TimelineEntry[] {
  return facts.all.flatMap((fact) => {
    const sentence = sentenceOf(fact as FactOf<typeof fact.type>, { words, undo: undoOf(facts, fact) });
    return sentence === undefined ? [] : [{ fact, actor: actorOf(fact), sentence }];
  });
}

/** What the event's obligation undoes, as recorded, or until then as granted. */
function undoOf(facts: TimelineFacts, { data }: Fact): Affected | undefined {
  if (!('obligationId' in data)) return undefined;
  const recorded = facts.of('readmit.obligation.recorded').find((one) => one.data.obligationId === data.obligationId);
  const granted = facts.of('readmit.approval.granted').flatMap((one) => one.data.obligations);
  return recorded?.data.undo ?? granted.find(({ id }) => id === data.obligationId);
}
