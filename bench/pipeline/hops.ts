/** Chains of synthetic rules as programs: the product's engines, signatures, schemas, log and buses without its rules. */
import { topicsOf } from '@readmit/runtime';
import { services, topicsConsumedBy } from '@readmit/contracts';
import { openEngines, type Engines } from '../engines.js';
import { Hands } from '../hands.js';
import { Chain, hopsOf, type HopsProgram } from './chain.js';
import type { Open, Running } from './load.js';
import { Playing } from './playing.js';
import { caseIdOf } from './script.js';

const lookEveryMs = 1_000;

export const openHops =
  (program: HopsProgram): Open =>
  async ({ urls, kafka }) => {
    const chain = await Chain.open(hopsOf[program]);
    const playing = new Playing();
    const definitions = chain.definitions();
    const open = new Map<string, number>();
    const engines = await openEngines(definitions, {
      urls,
      kafka: kafka?.connections,
      onFact: (service, key, { type }) => {
        const n = open.get(key);
        if (service !== 'intake' || type !== chain.ends || n === undefined) return;
        open.delete(key);
        playing.ended(n);
      },
    });
    const hands = new Hands(playing.fail);
    // A case whose message was parked would never end.
    const looking = setInterval(() => {
      const parked = services.find((service) => engines.engines[service].counters.parked > 0);
      if (parked) playing.fail(new Error(`${parked} parked a message`));
    }, lookEveryMs);
    return {
      reads: Object.fromEntries(
        services.map((service) => [service, service === 'audit' ? topicsConsumedBy(service) : topicsOf(definitions[service])]),
      ) as Running['reads'],
      open: (n) => {
        open.set(caseIdOf(n), n);
        hands.act(() => begin(engines, chain, caseIdOf(n)));
      },
      play: (cases, onEnd) => playing.play(cases, onEnd),
      counters: () => engines.counters(),
      verify: () => engines.verifyLog(),
      stop: async () => {
        clearInterval(looking);
        await engines.stop();
      },
    };
  };

async function begin({ engines }: Engines, chain: Chain, key: string): Promise<void> {
  const answer = await engines.intake.command({ key, name: 'open-case', actor: 'synthetic' }, () => ({
    emit: [chain.draft(chain.begins, key)],
    reply: {},
  }));
  if ('refused' in answer) throw new Error(`${key} was not opened: ${answer.refused.message}`);
}
