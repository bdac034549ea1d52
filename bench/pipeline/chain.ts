/**
 * Chains of events that synthetic rules pass a case along: each hop is a service that receives one event and emits the next. The six services
 * are visited in a ring, audit with its real log, so that twelve hops are the same services once more, by other types.
 */
import type { ServiceDefinition } from '@readmit/runtime';
import { entryOf, services, type Draft, type EventType, type ServiceName } from '@readmit/contracts';
import type { Facts, React } from '@readmit/domain';
import { schemaOf } from '@readmit/store';
import { readFile } from 'node:fs/promises';
import type { Definitions } from '../engines.js';

/** What a person's command begins it with, then what each hop emits. Audit answers what is gated, so nothing else here is. */
const emitted = [
  'readmit.case.opened',
  'readmit.case.classified',
  'readmit.audit.recorded',
  'readmit.enrolment.confirmed',
  'readmit.approval.denied',
  'readmit.revocation.due',
  'readmit.notice.sent',
  'readmit.people.attested',
  'readmit.audit.recorded',
  'readmit.credential.used',
  'readmit.approval.withdrawn',
  'readmit.revocation.overdue',
  'readmit.notice.given-up',
] as const satisfies readonly EventType[];

/** The hops that are measured, by the name of the program. */
export const hopsOf = { 'hops-6': 6, 'hops-12': 12 } as const;
export type HopsProgram = keyof typeof hopsOf;
export const hopPrograms = Object.keys(hopsOf) as HopsProgram[];
export const isHopsProgram = (name: string): name is HopsProgram => Object.hasOwn(hopsOf, name);

interface Link {
  readonly service: ServiceName;
  readonly receives: EventType;
  /** When audit is who is received: what it has recorded. */
  readonly recorded: EventType | undefined;
  readonly emits: EventType;
}

export class Chain {
  readonly begins: EventType = emitted[0];
  readonly ends: EventType;
  private readonly links: readonly Link[];
  private readonly data: ReadonlyMap<EventType, object>;

  private constructor(hops: number, data: ReadonlyMap<EventType, object>) {
    this.links = linksOf(hops);
    this.ends = emitted[hops] ?? emitted[0];
    this.data = data;
  }

  /** Events are the golden samples of the contracts, for other cases. */
  static async open(hops: number): Promise<Chain> {
    const types = new Set<EventType>(emitted);
    const samples = [...types].map(async (type): Promise<readonly [EventType, object]> => {
      const file = `libs/contracts/samples/${type}.v${entryOf(type).version}.json`;
      return [type, (JSON.parse(await readFile(file, 'utf8')) as { readonly data: object }).data];
    });
    return new Chain(hops, new Map(await Promise.all(samples)));
  }

  draft(type: EventType, caseId: string): Draft {
    return { type, key: caseId, data: { ...this.data.get(type), caseId } } as Draft;
  }

  /** Synthetic: each service emits what follows in the chain and decides nothing. */
  definitions(): Definitions {
    const of = (name: ServiceName): ServiceDefinition => ({
      name,
      consumes: this.linksOf(name).map(({ receives }) => receives),
      react: this.reactOf(this.linksOf(name)),
      work: {},
      wakes: name === 'revocation-scheduler' ? 'timer' : 'deadline',
    });
    return {
      intake: of('intake'),
      classification: of('classification'),
      approval: of('approval'),
      execution: of('execution'),
      'revocation-scheduler': of('revocation-scheduler'),
    };
  }

  private linksOf(name: ServiceName): readonly Link[] {
    return this.links.filter(({ service }) => service === name);
  }

  private reactOf(links: readonly Link[]): React {
    return (facts, { key }) => ({
      emit: links.filter((link) => received(facts, link) && !facts.has(link.emits)).map(({ emits }) => this.draft(emits, key)),
    });
  }
}

const linksOf = (hops: number): readonly Link[] =>
  emitted.slice(1, hops + 1).map((emits, at): Link => {
    const [before, receives] = [emitted[at - 1], emitted[at] ?? emits];
    return { service: entryOf(emits).producer, receives, recorded: entryOf(receives).producer === 'audit' ? before : undefined, emits };
  });

const received = (facts: Facts, { receives, recorded }: Link): boolean =>
  receives === 'readmit.audit.recorded' ? facts.of(receives).some(({ data }) => data.type === recorded) : facts.has(receives);

export interface Passed {
  readonly service: ServiceName;
  readonly type: EventType;
  /** In each case. */
  readonly times: number;
}

/** What a chain makes its services say. */
export function saidAlong(hops: number): readonly Passed[] {
  const types = emitted.slice(0, hops + 1);
  return [...new Set(types)].map((type) => ({
    service: entryOf(type).producer,
    type,
    times: types.filter((one) => one === type).length,
  }));
}

/** Facts of a case, by the service's schema: what it emitted and what it received. */
export function factsAlong(hops: number): Readonly<Record<string, number>> {
  const links = linksOf(hops);
  return Object.fromEntries(
    services
      .filter((service) => service !== 'audit')
      .map((service) => [
        schemaOf(service),
        // Each link is one received and one emitted event; intake also emits the one that begins the chain.
        2 * links.filter((link) => link.service === service).length + (service === entryOf(emitted[0]).producer ? 1 : 0),
      ]),
  );
}
