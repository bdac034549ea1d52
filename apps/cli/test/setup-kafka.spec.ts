/** `readmit setup --kafka` before there is a broker to ask; what it does to real brokers is `setUpKafka` (libs/bus/test/kafka-permissions.int.spec.ts). */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Desk } from './cli-run.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-setup-kafka-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('readmit setup --kafka', () => {
  it('names what is wrong before it asks any broker, and never the password', async () => {
    const secret = path.join(folder, 'kafka.password');
    await writeFile(secret, 'hunter2\n', { mode: 0o644 });
    const sasl = { KAFKA_BROKERS: '127.0.0.1:1', KAFKA_SASL_USERNAME: 'admin', KAFKA_SASL_PASSWORD_FILE: secret };
    const said = async (env: Record<string, string>, ...more: string[]): Promise<string> => {
      const desk = await Desk.of('http://127.0.0.1:1', env);
      const { code, stdout, stderr } = await desk.run('setup', '--kafka', ...more);
      await desk.leave();
      expect(stdout + stderr).not.toContain('hunter2');
      return `${code} ${stderr}`;
    };
    expect(await said({})).toContain('2 error: KAFKA_BROKERS is missing');
    expect(await said({ KAFKA_BROKERS: 'kafka' })).toContain('2 error: "kafka" is not a broker address');
    expect(await said(sasl)).toContain(`others may read ${secret} (mode 0644)`);
    await chmod(secret, 0o600);
    expect(await said({ ...sasl, KAFKA_SASL_MECHANISM: 'plain' })).toContain('sends the password in cleartext');
    expect(await said({ ...sasl, KAFKA_TLS_CA_FILE: secret })).toContain('KAFKA_TLS is not true');
    expect(await said(sasl, '--provider', 'a.b')).toContain('2 error: "a.b" cannot be part of a topic');
    expect(await said(sasl, '--replication', '1')).toContain('--min-in-sync is more than --replication');
    expect(await said(sasl)).toMatch(/^8 error: .*127\.0\.0\.1:1/);
  });
});
