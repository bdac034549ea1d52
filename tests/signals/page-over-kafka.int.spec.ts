/**
 * docs/identity-providers.md with kcat on a real Kafka: its commands publish signals that intake records, and its principal can do nothing
 * else. Intake is complete, with its engine, the Kafka adapter and a real database.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KafkaBus } from '@readmit/bus';
import { providerPrincipal, topicOf, type EventType } from '@readmit/contracts';
import { blockOf, until } from '@readmit/testing';
import { startIntake, type RunningIntake } from '../../apps/intake/test/running-intake.js';
import { ensureDebian, siemReaders } from '../../tools/debian.mjs';
import { run } from './page.js';
import { startProviderKafka, type ProviderKafka } from './provider-kafka.js';

const missing = ensureDebian(siemReaders.filter((one) => one.package === 'kcat'));
if (missing !== undefined) it.skip(`kcat writes signals to a real Kafka: ${missing}`, () => {});

if (missing === undefined)
  describe('an identity provider with kcat', () => {
    let kafka: ProviderKafka;
    let intake: RunningIntake;
    let acme: string;
    const makeEvent = blockOf('docs/identity-providers.md', 'The event');
    const structured = blockOf('docs/identity-providers.md', 'Over Kafka', 1);
    const binary = blockOf('docs/identity-providers.md', 'Over Kafka', 2);
    const published = async (type: EventType) =>
      (await kafka.records(topicOf('intake')))
        .filter(({ headers }) => headers.split(',').includes(`ce_type=${type}`))
        .map(({ key, value }) => ({ key, data: JSON.parse(value) as Record<string, unknown> }));
    const received = async () =>
      (await published('readmit.signal.received')).map(({ key, data }) => [key, data['provider'], data['kind'], data['subject']]);
    /** Polls the metrics, because the API limits the requests of an operator per minute. */
    const counted = (counts: Readonly<Record<'recorded' | 'repeated' | 'refused', number>>) =>
      until(
        async () => {
          const text = await (await fetch(`${intake.url}/metrics`)).text();
          return Object.entries(counts).every(([name, count]) =>
            text.includes(`readmit_signals_${name}_total{service="intake"} ${count}\n`),
          );
        },
        { what: `the counters for signals are ${JSON.stringify(counts)}` },
      );
    const parked = async () => {
      const authorization = `Bearer ${await intake.token({ teams: ['platform-operators'] })}`;
      const response = await fetch(`${intake.url}/api/intake/parked`, { headers: { authorization } });
      return (await response.json()) as { id: string; topic: string; reason: string; state: string }[];
    };

    beforeAll(async () => {
      kafka = await startProviderKafka();
      acme = await kafka.folderOf(providerPrincipal('acme'));
      intake = await startIntake({ READMIT_PROVIDERS: 'acme,okta' }, (store) =>
        KafkaBus.open({ service: 'intake', store, connection: kafka.connection }),
      );
    }, 300_000);
    afterAll(async () => {
      await intake?.close();
      await kafka?.close();
    });

    it('R8.2 R1.8 publishes lockouts with the commands on the page, in both modes; each becomes one signal and no case', async () => {
      await run(makeEvent, acme, { ID: 'kcat-1' });
      for (const command of [structured, binary, structured]) await run(command, acme, { ID: 'kcat-1' });
      await counted({ recorded: 2, repeated: 1, refused: 0 });
      expect(await received()).toEqual([
        ['subject:ada', 'acme', 'account-locked', 'ada'],
        ['subject:ada', 'acme', 'account-locked', 'ada'],
      ]);
      expect(await published('readmit.case.opened')).toEqual([]);
    });

    it('R8.3 causes messages that are not signals to be parked: a line of text, a null value, another provider’s source', async () => {
      const send = (options: string, input: string) =>
        run(`printf '${input}' | kcat -F kcat.conf -P -t readmit.signals.acme.v1 ${options}`, acme, {});
      await send('', 'locked\\n');
      await send('-H content-type=application/cloudevents+json -K : -Z', 'key:\\n');
      await run(makeEvent, acme, { ID: 'kcat-2' });
      await run('sed -i s/sso.example.com/okta.example/ lockout.json', acme, {});
      await run(structured, acme, {});
      await counted({ recorded: 2, repeated: 1, refused: 3 });
      expect((await parked()).map(({ reason, topic }) => `${topic} ${reason}`).sort()).toEqual(
        ['broken-json', 'foreign-source', 'media-type'].map((reason) => `readmit.signals.acme.v1 ${reason}`),
      );
      expect(await received()).toHaveLength(2);
    });

    it('R8.3 can write only its own topic, and read none', async () => {
      await run(makeEvent, acme, { ID: 'kcat-3' });
      const refused = 'Broker: Topic authorization failed';
      for (const topic of ['readmit.signals.okta.v1', 'readmit.intake.v1'])
        await expect(run(structured.replace('readmit.signals.acme.v1', topic), acme, {})).rejects.toMatchObject({
          stderr: expect.stringContaining(refused),
        });
      await expect(run('kcat -F kcat.conf -C -t readmit.signals.acme.v1 -o beginning -e', acme, {})).rejects.toMatchObject({
        stderr: expect.stringContaining(refused),
      });
    });

    it('R8.1 loses nothing that was written while intake was down', async () => {
      await intake.stop();
      const okta = await kafka.folderOf(providerPrincipal('okta'));
      await run(makeEvent, okta, { ID: 'kcat-4' });
      await run(structured.replace('.acme.', '.okta.'), okta, {});
      expect(await received()).toHaveLength(2);
      await intake.restart();
      await counted({ recorded: 1, repeated: 0, refused: 0 });
      expect((await received()).map(([, provider]) => provider).sort()).toEqual(['acme', 'acme', 'okta']);
    });
  });
