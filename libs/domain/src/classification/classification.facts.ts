/** What classification consumes, the types that its rules may read, and the aggregates that keep each fact. */
import type { EventType, Fact, ProducedBy } from '@readmit/contracts';
import type { Context } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';

export const classificationConsumes = ['readmit.case.opened', 'readmit.attestation.wanted'] as const satisfies readonly EventType[];

/** What its rules may read. */
export type ClassificationEvents = (typeof classificationConsumes)[number] | ProducedBy<'classification'>;
export type ClassificationFacts = Facts<ClassificationEvents>;
export type ClassificationContext = Context<ClassificationEvents>;

/** Aggregate of the contact points that one agent was shown within one hour of the clock. Views are counted for an hour, so two of these are read. */
export const agentKey = (id: string, at: string): string => `agent:${id}:${at.slice(0, '2026-11-22T09'.length)}`;

/** A view of a contact point is also kept by agent, so that it counts across all cases (R3.4). */
export const classificationKeys = (fact: Fact, key: string): readonly string[] =>
  fact.type === 'readmit.contact.shown' ? [key, agentKey(fact.data.by, fact.at)] : [key];
