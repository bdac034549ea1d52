/** What lies on a topic of Kafka and is no event: a batch that no codec can decode, a record that no producer of Readmit would write. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { partitionsPerTopic, topicOf } from '@readmit/contracts';
import { sendBatches, testBroker, until } from '@readmit/testing';
import { kafkaClient, mostBatchBytes, type KafkaConnection } from '@readmit/bus';
import { openHouse, toy, withdrawn } from './engine-toy.js';

let connection: KafkaConnection;
beforeAll(async () => void (connection = await testBroker()), 240_000);

describe('a batch that cannot be decoded', () => {
  it('R8.3 parks alone, with its offsets and why, and what is around it on every partition is taken', async () => {
    const house = await openHouse('kafka');
    try {
      const from = topicOf('approval');
      await house.send('approval', [withdrawn('case-1')]);
      for (let partition = 0; partition < partitionsPerTopic; partition++)
        await sendBatches(connection, { topic: from, partition, batches: [['{}', 'x'.repeat(mostBatchBytes)]], gzip: true });
      await house.send('approval', [withdrawn('case-2')]);
      // As large as it may be: read, and refused for what it says.
      await sendBatches(connection, { topic: from, partition: 0, batches: [['x'.repeat(mostBatchBytes - 1_000)]], gzip: true });
      const engine = await house.engine(toy);
      await engine.start();
      const found = async (reason: string) => engine.parked.list({ state: 'parked', reason });
      await until(async () => (await engine.progress()).lag === 0 && (await found('oversized')).length === 1, { what: 'all is taken' });
      const parked = await found('undecodable');
      // On Kafka a batch may be delivered twice, and then it is parked twice.
      expect([...new Set(parked.map(({ partition }) => partition))].sort()).toEqual(
        Array.from({ length: partitionsPerTopic }, (_, n) => n).sort(),
      );
      expect(parked[0]?.says).toMatch(/^the batch of offsets \d to \d cannot be decoded: .+; have its producer send it again/);
      const redriven = await engine.parked.settle(parked[0]?.id ?? '', 'redrive', 'op-1');
      expect(redriven).toMatchObject({ state: 'parked', reason: 'undecodable', says: parked[0]?.says });
      await engine.stop();
      const closed = (await house.said('intake')).filter(({ type }) => type === 'readmit.case.closed').map(({ key }) => key);
      expect(closed.sort()).toEqual(['case-1', 'case-2']);
    } finally {
      await house.close();
    }
  });
});

describe('records that are no events', () => {
  it('R8.3 park alone, whatever is missing or wrong in them, and those around them are taken', async () => {
    const house = await openHouse('kafka');
    try {
      await house.send('approval', [withdrawn('case-1')]);
      const raw = kafkaClient(connection, { clientId: 'spec-raw', requestTimeoutMs: 10_000 }).producer({
        createPartitioner: () => () => 0,
      });
      await raw.connect();
      await raw.send({
        topic: topicOf('approval'),
        messages: [
          { key: null, value: null },
          { key: 'no-headers', value: '{}' },
          { key: 'nul-\0-in-it', value: Buffer.from([0xff, 0x00]), headers: { ce_id: 'x\0y', 'na\0me': 'z' } },
          { key: 'twice', value: '{}', headers: { ce_id: ['a', 'b'], ce_type: 'readmit.approval.withdrawn' } },
          { key: Buffer.from([0xc3, 0x28]), value: '' },
        ],
      });
      await raw.disconnect();
      await house.send('approval', [withdrawn('case-2')]);
      const engine = await house.engine(toy);
      await engine.start();
      await until(async () => (await engine.progress()).lag === 0 && (await engine.progress()).parked === 5, { what: 'all is taken' });
      await engine.stop();
      const closed = (await house.said('intake')).filter(({ type }) => type === 'readmit.case.closed').map(({ key }) => key);
      expect(closed.sort()).toEqual(['case-1', 'case-2']);
      expect((await engine.parked.list({ state: 'parked' })).map(({ key }) => key).sort()).toEqual(
        ['', 'no-headers', 'nul-\ufffd-in-it', 'twice', '\ufffd('].sort(),
      );
    } finally {
      await house.close();
    }
  });
});
