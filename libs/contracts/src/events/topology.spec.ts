import { describe, expect, it } from '@jest/globals';
import { auditOcsfTopic, topicOf, topicsWrittenBy } from './catalogue.js';
import { services } from './entry.js';
import { aclSpecs, principals, servicePrincipal, signalTopicOf, topicSpecs, topicsConsumedBy, type TopologyOptions } from './topology.js';

const options: TopologyOptions = { providers: ['acme', 'okta'], siems: ['soc', 'soc-archive'], replication: 3, minInSync: 2 };
const acls = aclSpecs(options);

describe('the topology of Kafka', () => {
  it('has one topic per producer and per identity provider, and one for SIEMs, each with a retention', () => {
    const topics = topicSpecs(options);
    expect(topics.map((topic) => topic.name)).toEqual([
      ...services.flatMap(topicsWrittenBy),
      'readmit.signals.acme.v1',
      'readmit.signals.okta.v1',
    ]);
    for (const { partitions, replication, config } of topics) {
      expect({ partitions, replication, minInSync: config['min.insync.replicas'] }).toEqual({
        partitions: 4,
        replication: 3,
        minInSync: '2',
      });
      const keptDays = (Number(config['retention.ms']) + Number(config['segment.ms'])) / 86_400_000;
      expect(keptDays).toBeGreaterThan(7);
      // Less than the time for which consumers remember ids (R8.3).
      expect(keptDays).toBeLessThan(35);
    }
  });

  it('R8.3 limits the bytes of an identity provider on the brokers, and none of a service', () => {
    const bytes = new Map(
      topicSpecs(options).map(({ name, partitions, config }) => [name, [partitions, config['retention.bytes'], config['segment.bytes']]]),
    );
    for (const provider of options.providers)
      expect(bytes.get(signalTopicOf(provider))).toEqual([4, String(256 * 1024 * 1024), String(64 * 1024 * 1024)]);
    for (const topic of services.flatMap(topicsWrittenBy)) expect(bytes.get(topic)).toEqual([4, '-1', undefined]);
    for (const { config } of topicSpecs(options)) expect(config['message.timestamp.type']).toBe('LogAppendTime');
  });

  it('R8.3 lets exactly one principal write each topic', () => {
    for (const { name } of topicSpecs(options))
      expect(acls.filter((acl) => acl.name === name && acl.operation === 'WRITE')).toHaveLength(1);
  });

  it('R8.1 lets a service read its own topic, which it is compared with at start, and those that it consumes', () => {
    for (const service of services) {
      const read = acls.filter(
        (acl) => acl.principal === servicePrincipal(service) && acl.operation === 'READ' && acl.resource === 'topic',
      );
      expect(read.map((acl) => acl.name)).toEqual([
        topicOf(service),
        ...topicsConsumedBy(service),
        ...(service === 'intake' ? options.providers.map(signalTopicOf) : []),
      ]);
      expect(topicsConsumedBy(service)).not.toContain(topicOf(service));
    }
  });

  it('R7.4 lets a SIEM only read one topic and an identity provider only write one', () => {
    const of = (principal: string) =>
      acls.filter((acl) => acl.principal === principal).map((acl) => [acl.operation, acl.resource, acl.name]);
    expect(of('idp-acme')).toEqual([['WRITE', 'topic', 'readmit.signals.acme.v1']]);
    expect(of('siem-soc')).toEqual([
      ['READ', 'topic', auditOcsfTopic],
      ['READ', 'group', 'siem-soc'],
      ['READ', 'group', 'siem-soc.'],
    ]);
    expect(principals(options)).toEqual([...services.map(servicePrincipal), 'idp-acme', 'idp-okta', 'siem-soc', 'siem-soc-archive']);
  });

  it('gives no principal a right on the groups of another', () => {
    const groups = acls.filter((acl) => acl.resource === 'group');
    const covers = (acl: (typeof groups)[number], group: string) =>
      acl.pattern === 'literal' ? acl.name === group : group.startsWith(acl.name);
    for (const { name } of groups) expect(new Set(groups.filter((acl) => covers(acl, name)).map((acl) => acl.principal)).size).toBe(1);
  });
});
