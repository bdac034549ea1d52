/** Services may read the Kafka topics that they consume, and the script for operators matches the catalogue. */
import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { topicsOf, type ServiceDefinition } from '@readmit/runtime';
import {
  aclSpecs,
  providerByteRate,
  providerPrincipal,
  services,
  topicSpecs,
  topicsConsumedBy,
  type ServiceName,
} from '@readmit/contracts';
import { auditDefinition } from '../../apps/audit/src/audit.definition.js';
import { definitions } from '../cost/services.js';

const all: Readonly<Record<ServiceName, ServiceDefinition>> = { ...definitions, audit: auditDefinition };

describe('each service', () => {
  it.each(services)('R8.1 %s may read the topics of what it consumes, and no other', (service) => {
    expect([...topicsConsumedBy(service)].sort()).toEqual([...topicsOf(all[service])].sort());
  });
});

describe('the script for operators', () => {
  it("creates the same topics, permissions and quotas with Kafka's tools", async () => {
    const bin = await mkdtemp(path.join(os.tmpdir(), 'readmit-kafka-tools-'));
    try {
      for (const tool of ['kafka-topics.sh', 'kafka-acls.sh', 'kafka-configs.sh'])
        await writeFile(path.join(bin, tool), `#!/bin/sh\nshift 4\necho ${tool} "$@"\n`, { mode: 0o755 });
      const { stdout } = await promisify(execFile)('sh', [path.join(import.meta.dirname, '../../deploy/kafka/topics-and-acls.sh')], {
        env: {
          PATH: `${bin}:${process.env['PATH']}`,
          ...{ KAFKA_BROKERS: 'kafka:9092', KAFKA_ADMIN_CONFIG: 'admin.properties', KAFKA_REPLICATION: '1', KAFKA_MIN_INSYNC: '1' },
          ...{ KAFKA_PROVIDERS: 'acme okta', KAFKA_SIEMS: 'soc' },
        },
      });
      const options = { providers: ['acme', 'okta'], siems: ['soc'], replication: 1, minInSync: 1 };
      const topics = topicSpecs(options).map(
        ({ name, partitions, replication, config }) =>
          `kafka-topics.sh --create --if-not-exists --topic ${name} --partitions ${partitions} --replication-factor ${replication} ${Object.entries(
            config,
          )
            .map(([key, value]) => `--config ${key}=${value}`)
            .join(' ')}`,
      );
      const acls = aclSpecs(options).map(
        ({ principal, operation, resource, pattern, name }) =>
          `kafka-acls.sh --add --allow-principal User:${principal} --operation ${operation} --${resource} ${name} --resource-pattern-type ${pattern}`,
      );
      const quotas = options.providers.map(
        (provider) =>
          `kafka-configs.sh --alter --entity-type users --entity-name ${providerPrincipal(provider)} --add-config producer_byte_rate=${providerByteRate}`,
      );
      expect(stdout.trim().split('\n').sort()).toEqual([...topics, ...acls, ...quotas].sort());
    } finally {
      await rm(bin, { recursive: true, force: true });
    }
  });
});
