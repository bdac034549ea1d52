import type { Fact } from '@readmit/contracts';
import type { Spoken } from '../outbound/ledger.js';

/** Who did it; undefined where no person or program outside did. */
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

/** What the timeline says of a fact, from its public fields; and the words that belong to it, for who may read them. */
export function sentenceOf(fact: Fact, spoken?: Spoken): string {
  switch (fact.type) {
    case 'readmit.case.opened':
      return `${fact.data.asks.map((ask) => `${ask.kind} on ${ask.connector}/${ask.object}${ask.entitlement ? `/${ask.entitlement}` : ''}`).join(', ')} for ${fact.data.subject.id}`;
    case 'readmit.case.classified':
      return `${fact.data.class}, ${fact.data.tier}, policy ${fact.data.policy.version}`;
    case 'readmit.plan.proposed':
      return fact.data.plan.steps.map((step) => step.says.replace(/\.$/, '')).join('; ');
    case 'readmit.plan.refused':
    case 'readmit.execution.failed':
      return `${fact.data.rule} ${fact.data.reason}: ${fact.data.says}`;
    case 'readmit.evidence.added':
      return `${fact.data.kind} by ${fact.data.collectedBy}`;
    case 'readmit.decision.recorded':
      return `${fact.data.decision.statement.decision} by ${fact.data.decision.statement.approver} (${fact.data.decision.proof.type})`;
    case 'readmit.contact.shown':
    case 'readmit.approval.denied':
    case 'readmit.approval.withdrawn':
    case 'readmit.containment.ordered':
      return `by ${fact.data.by}`;
    case 'readmit.approval.granted':
      return `good until ${fact.data.goodUntil}`;
    case 'readmit.obligation.recorded':
      return `${fact.data.undo.says.replace(/\.$/, '')}; in any case by ${fact.data.hardBound}`;
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
    case 'readmit.case.frozen': {
      const why = spoken?.repudiation?.at === fact.at ? `: ${spoken.repudiation.reason}` : '';
      return `${fact.data.cause}, ${fact.data.by}${why}`;
    }
    case 'readmit.notice.sent': {
      const { about, channel, to, addresses } = fact.data;
      const where = addresses === undefined ? '' : ` at ${addresses} address${addresses === 1 ? '' : 'es'}`;
      return `${about}, by ${channel}${to === undefined ? '' : ` to ${to}`}${where}`;
    }
    case 'readmit.notice.given-up':
      return `${fact.data.about}${fact.data.to === undefined ? '' : ` to ${fact.data.to}`}: ${fact.data.reason}`;
    case 'readmit.case.closed':
      return fact.data.outcome;
    default:
      return fact.type.endsWith('.refused') && 'says' in fact.data && 'actor' in fact.data
        ? `${fact.data.actor}: ${fact.data.rule} ${fact.data.reason}`
        : '';
  }
}
