/**
 * Starts Apache Kafka exactly as its image does with the environment in docker-compose.yml: the class that the image runs first
 * (KafkaDockerWrapper) writes server.properties and formats the disk, the broker starts, kafka-users.sh creates the users, and the command of
 * setup-kafka creates topics and ACLs. Then every service signs in and writes. Only paths and ports differ from the container.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { existsSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import kafkajs from 'kafkajs';
import { parse } from 'yaml';
import { runCaptured } from '../children.mjs';
import { must } from './judges.mjs';

const services = ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler', 'audit'];

/** @returns {Promise<{ code: number, output: string }>} */
export async function checkKafka({ workspace, scratch }) {
  const compose = parse(readFileSync(path.join(workspace, 'docker-compose.yml'), 'utf8'), { merge: true, maxAliasCount: -1 });
  const version = compose.services.kafka.image.split(':')[1];
  const jars = await kafkaJars(path.join(scratch, `kafka-${version}`), version);
  const place = path.join(scratch, 'kafka-run');
  rmSync(place, { recursive: true, force: true });
  for (const name of ['secrets', 'defaults', 'mounted', 'final', 'data', 'bin']) mkdirSync(path.join(place, name), { recursive: true });
  for (const user of ['broker', 'admin', ...services])
    writeFileSync(path.join(place, 'secrets', `kafka-${user}.password`), randomBytes(24).toString('base64url'), { mode: 0o600 });
  writeFileSync(path.join(place, 'defaults/server.properties'), 'process.roles=broker\n');
  for (const name of ['log4j2.yaml', 'tools-log4j2.yaml']) writeFileSync(path.join(place, 'defaults', name), logging);
  const ports = { 9092: await freePort(), 9093: await freePort(), 9094: await freePort() };
  const local = (text) =>
    text
      .replaceAll('$$', '$')
      .replaceAll('/run/secrets', path.join(place, 'secrets'))
      .replaceAll('/var/lib/kafka/data', path.join(place, 'data'))
      .replace(/(?<=^|\/\/)kafka:/g, '127.0.0.1:')
      .replace(/\b909[234]\b/g, (port) => String(ports[port]));
  const env = Object.fromEntries(Object.entries(compose.services.kafka.environment).map(([name, value]) => [name, local(value)]));
  const java = ['-Xmx512m', `-Dlog4j2.configurationFile=${path.join(place, 'defaults/log4j2.yaml')}`, '-cp', path.join(jars, '*')];
  const folders = ['-D', 'defaults', '-M', 'mounted', '-F', 'final'].map((name) => (name.startsWith('-') ? name : path.join(place, name)));
  await must('java', [...java, 'kafka.docker.KafkaDockerWrapper', 'setup', ...folders], { env });

  const broker = spawn('java', [...java, 'kafka.Kafka', path.join(place, 'final/server.properties')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((done) => broker.once('close', done));
  try {
    await started(broker, ended);
    writeFileSync(
      path.join(place, 'bin/kafka-configs.sh'),
      `#!/bin/sh\nexec java ${java.map((word) => `'${word}'`).join(' ')} kafka.admin.ConfigCommand "$@"\n`,
    );
    chmodSync(path.join(place, 'bin/kafka-configs.sh'), 0o755);
    await must('bash', [path.join(workspace, 'deploy/compose/kafka-users.sh')], {
      env: { KAFKA_USERS_SECRETS: path.join(place, 'secrets'), KAFKA_USERS_BOOTSTRAP: `127.0.0.1:${ports[9094]}`, KAFKA_HOME: place },
    });
    const health = compose.services.kafka.healthcheck.test.slice(1).map(local);
    const healthy = await runCaptured(health[0], health.slice(1), { env: process.env });
    if (healthy.code !== 0) return { code: 1, output: `the health check fails although the broker is up: ${healthy.output}` };
    const setup = compose.services['setup-kafka'];
    await must('node', setup.command, {
      cwd: workspace,
      env: { ...Object.fromEntries(Object.entries(setup.environment).map(([name, value]) => [name, local(value)])), READMIT_HOME: place },
    });
    const faults = await clientFaults(`127.0.0.1:${ports[9092]}`, (user) =>
      readFileSync(path.join(place, 'secrets', `kafka-${user}.password`), 'utf8'),
    );
    return { code: faults.length > 0 ? 1 : 0, output: faults.join('\n') };
  } finally {
    broker.kill('SIGTERM');
    await ended;
  }
}

/** Every service signs in and writes to its own topic and to no other; a wrong password is refused. */
async function clientFaults(address, passwordOf) {
  const client = (username, password) =>
    new kafkajs.Kafka({
      brokers: [address],
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 2 },
      sasl: { mechanism: 'scram-sha-512', username, password },
    });
  const faults = [];
  for (const [at, service] of services.entries()) {
    const producer = client(`readmit-${service}`, passwordOf(service)).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const write = (topic) =>
      producer.send({ topic, messages: [{ value: 'x' }] }).then(
        () => 'written',
        (error) => error.message,
      );
    const own = await write(`readmit.${service}.v1`);
    if (own !== 'written') faults.push(`${service} may not write to its own topic: ${own}`);
    const other = await write(`readmit.${services[(at + 1) % services.length]}.v1`);
    if (!/Not authorized to access topics/.test(other))
      faults.push(`${service} must not write to the topic of another service, but Kafka replied: ${other}`);
    await producer.disconnect();
  }
  const error = await client('readmit-intake', 'not-the-password')
    .admin()
    .connect()
    .then(
      () => 'nothing',
      (error) => error.name,
    );
  if (error !== 'KafkaJSSASLAuthenticationError') faults.push(`a wrong password must be refused with an authentication error: ${error}`);
  return faults;
}

async function kafkaJars(folder, version) {
  const jars = path.join(folder, 'libs');
  if (existsSync(path.join(jars, `kafka_2.13-${version}.jar`))) return jars;
  mkdirSync(folder, { recursive: true });
  const dependency = (group, artifact, at) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${at}</version></dependency>`;
  writeFileSync(
    path.join(folder, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependency('org.apache.kafka', 'kafka_2.13', version)}${dependency('org.apache.kafka', 'kafka-tools', version)}${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.5')}</dependencies></project>\n`,
  );
  await must('mvn', ['-q', '-B', '-ntp', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`], {
    cwd: folder,
  });
  return jars;
}

/** Resolves when the broker logs that it has started. */
function started(broker, ended) {
  let output = '';
  return new Promise((resolve, reject) => {
    broker.once('error', reject);
    broker.stdout.on('data', (bytes) => {
      output += bytes.toString('utf8');
      if (output.includes('Kafka Server started')) resolve();
    });
    void ended.then(() => reject(new Error(`the broker ended:\n${output.trimEnd().split('\n').slice(-20).join('\n')}`)));
  });
}

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const logging = `Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout: { pattern: '%d %p %c{1} %m%n' }
  Loggers:
    Root: { level: WARN, AppenderRef: [{ ref: out }] }
    Logger: [{ name: kafka.server.KafkaRaftServer, level: INFO }]
`;
