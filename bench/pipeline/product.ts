/** The product as a program: six real services. */
import { services, topicsConsumedBy } from '@readmit/contracts';
import { makePeople } from '../people.js';
import { Cases } from '../cases.js';
import { openPipeline } from '../six-services.js';
import type { Open, Running } from './load.js';

/** Enough for their grants not to meet. */
export const subjects = 10_000;
let people: ReturnType<typeof makePeople> | undefined;

export const openProduct: Open = async ({ urls, kafka }) => {
  people ??= makePeople(subjects);
  const cases = new Cases(people);
  const pipeline = await openPipeline({
    urls,
    people,
    kafka: kafka?.connections,
    onFact: (service, key, fact) => cases.onFact(service, key, fact),
  });
  return {
    reads: Object.fromEntries(services.map((service) => [service, topicsConsumedBy(service)])) as Running['reads'],
    open: () => cases.open(),
    play: (total, onEnd) => cases.run(pipeline, { total, atOnce: 0, onEnd: (_, caseId) => onEnd(Number(caseId.slice('case-'.length))) }),
    counters: () => pipeline.counters(),
    verify: async () => {
      if (cases.outcomes.get('completed') !== cases.ended)
        throw new Error(`not every case was completed: ${JSON.stringify([...cases.outcomes])}`);
      await pipeline.verifyLog();
    },
    stop: () => pipeline.stop(),
  };
};
