/**
 * A process for one service of the product, as it is deployed: it lives through all slices. People turn to intake and to approval, so their parts
 * of a case are played in the processes of those two.
 */
import type { ServiceName } from '@readmit/contracts';
import { Cases } from '../cases.js';
import type { Counters } from '../counters.js';
import { ownCpu } from '../cpu.js';
import { openEngine, type Identity, type OneEngine } from '../engines.js';
import { makePeople, type People, type PeopleKeys } from '../people.js';
import { realDefinitions } from '../six-services.js';
import type { Requests } from './kafka-client.js';
import { counted, type Place } from './load.js';

/** What every process of a run is told once. */
export interface Shared {
  readonly identity: Identity;
  readonly people: PeopleKeys;
  readonly subjects: number;
}
export interface Spent {
  readonly counters: Counters;
  readonly requests: Requests;
  readonly cpu: number;
  readonly rss: number;
}
/** What can be asked of it, and what it answers. */
export interface Asks {
  /** Answers when the service is at work. */
  open: { readonly asks: { readonly service: ServiceName; readonly place: Place; readonly shared: Shared }; readonly answers: null };
  /** So many more cases are asked for. */
  begin: { readonly asks: number; readonly answers: null };
  spent: { readonly asks: null; readonly answers: Spent };
  verify: { readonly asks: null; readonly answers: null };
  stop: { readonly asks: null; readonly answers: null };
}
export type Asked = { [Name in keyof Asks]: { readonly id: number; readonly name: Name; readonly asks: Asks[Name]['asks'] } }[keyof Asks];
export type Told =
  | { readonly id: number; readonly answers: unknown }
  | { readonly id: number; readonly failed: string }
  /** Of intake: numbers of cases that it has closed. */
  | { readonly ended: readonly number[] }
  /** A case ended without a grant. */
  | { readonly broke: string };

interface Open {
  readonly service: ServiceName;
  readonly one: OneEngine;
  readonly cases: Cases;
  readonly requests: Requests;
}

let people: People | undefined;
let current: Open | undefined;
let ended: number[] = [];

const say = (told: Told): void => void process.send?.(told);
const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

function here(): Open {
  if (!current) throw new Error('this is a bug: asked before it was opened');
  return current;
}

/** Those of one turn of the event loop go in one message. */
function tell(n: number): void {
  if (ended.push(n) > 1) return;
  setImmediate(() => {
    say({ ended });
    ended = [];
  });
}

const doing: { readonly [Name in keyof Asks]: (asks: Asks[Name]['asks']) => Promise<Asks[Name]['answers']> } = {
  open: async ({ service, place: given, shared }) => {
    people ??= makePeople(shared.subjects, shared.people);
    const { place, requests } = counted(given);
    const cases = new Cases(people);
    const { definitions, ...installation } = await realDefinitions(people);
    const one = await openEngine(
      service,
      definitions,
      { urls: place.urls, kafka: place.kafka?.connections, onFact: (by, key, fact) => cases.onFact(by, key, fact) },
      shared.identity,
    );
    current = { service, one, cases, requests };
    // How many cases a slice has is for the parent to know.
    cases
      .run(
        { ...installation, engines: { [service]: one.engine } },
        { total: Infinity, atOnce: 0, onEnd: (_, caseId) => tell(Number(caseId.slice('case-'.length))) },
      )
      .catch((error: unknown) => say({ broke: textOf(error) }));
    await one.engine.start();
    return null;
  },
  begin: (count) => {
    for (let n = 0; n < count; n++) here().cases.open();
    return Promise.resolve(null);
  },
  spent: () => {
    const { one, requests } = here();
    return Promise.resolve({
      counters: one.counters(),
      requests: { ...requests },
      cpu: ownCpu(),
      rss: process.memoryUsage().rss,
    });
  },
  verify: async () => {
    const { service, one, cases } = here();
    if (service === 'audit') await one.verifyLog();
    if (service === 'intake' && cases.outcomes.get('completed') !== cases.ended)
      throw new Error(`not every case was completed: ${JSON.stringify([...cases.outcomes])}`);
    return null;
  },
  stop: async () => {
    const { one } = here();
    current = undefined;
    await one.stop();
    return null;
  },
};

if (!process.send) throw new Error('this is a bug: started without a parent');
process.on('message', ({ id, name, asks }: Asked) => {
  (doing[name] as (asks: unknown) => Promise<unknown>)(asks)
    .then((answers): Told => ({ id, answers }))
    .catch((error: unknown): Told => ({ id, failed: textOf(error) }))
    .then(say)
    .catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
});
process.on('disconnect', () => process.exit(0));
