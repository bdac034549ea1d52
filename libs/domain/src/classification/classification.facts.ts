/** Which facts classification has: the types that it consumes and its own, and the aggregates that keep each. */
import type { EventType, Fact, ProducedBy } from '@readmit/contracts';
import type { Context } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';

export const classificationConsumes = ['readmit.case.opened', 'readmit.attestation.wanted'] as const satisfies readonly EventType[];

/** What its rules may read. */
export type ClassificationEvents = (typeof classificationConsumes)[number] | ProducedBy<'classification'>;
export type ClassificationFacts = Facts<ClassificationEvents>;
export type ClassificationContext = Context<ClassificationEvents>;

/** Aggregate of what one person of the desk was shown within one hour of the clock: looks are counted an hour back, so no more of them are read. */
export const agentKey = (id: string, at: string): string => `agent:${id}:${at.slice(0, '2026-11-22T09'.length)}`;

/** Looks at contact points are also kept with who looked, so that they are counted over all cases (R3.4). */
export const classificationKeys = (fact: Fact, key: string): readonly string[] =>
  fact.type === 'readmit.contact.shown' ? [key, agentKey(fact.data.by, fact.at)] : [key];
