/** Every service is killed at each of its crash points on Kafka, with a real broker. */
import { describe, it } from '@jest/globals';
import { CrashRun } from './crash-run.js';

describe('SIGKILL at every crash point of every service on Kafka', () => {
  const run = new CrashRun('kafka');

  it('R6.1 R6.2 R8.1 every case reaches its end, and outboxes, log, topics and targets agree', async () => {
    await run.expectNoViolations();
  }, 900_000);
});
