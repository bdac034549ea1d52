/**
 * Compares the deployment files with the Compose Specification and the code: the settings of each service and the secrets that it may see.
 * This needs no Docker engine, so it does not test whether the containers start; `npm run validate:deploy` runs docker compose itself.
 */
import { describe, expect, it } from '@jest/globals';
import { approvalApp } from '@readmit/approval';
import { auditApp } from '@readmit/audit';
import { classificationApp } from '@readmit/classification';
import { servicePrincipal, services, type ServiceName } from '@readmit/contracts';
import { executionApp } from '@readmit/execution';
import { intakeApp } from '@readmit/intake';
import { schedulerApp } from '@readmit/revocation-scheduler';
import { serviceSettings, type SettingsSpec } from '@readmit/service';
import { Ajv } from 'ajv';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parse } from 'yaml';
import { workspace, substitute, readCompose, readEnvFile, textOf, type ComposeFile, type ComposeService } from './compose-file.js';

const compose = readCompose();
const answers = readEnvFile(textOf('deploy/compose/example.env'));
/** The .env file after prepare.sh. */
const prepared = { ...answers, READMIT_ROOT_KEY: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
const settingsOf: Readonly<Record<ServiceName, SettingsSpec>> = {
  intake: intakeApp.settings,
  classification: classificationApp.settings,
  approval: approvalApp.settings,
  execution: executionApp.settings,
  'revocation-scheduler': schedulerApp.settings,
  audit: auditApp.settings,
};
/** Variables for Node itself. */
const ofNode = new Set(['NODE_ENV']);

/** Messages about what is wrong with the environment of a service. */
function environmentFaults(service: ServiceName, { environment = {}, secrets = [], configs = [] }: ComposeService): readonly string[] {
  const spec: SettingsSpec = { ...serviceSettings, ...settingsOf[service] };
  const mounted = new Set([...secrets.map(({ target }) => `/run/secrets/${target}`), ...configs.map(({ target }) => target)]);
  const faults = Object.keys(environment)
    .filter((name) => !(name in spec) && !ofNode.has(name))
    .map((name) => `${name}: no such setting`);
  for (const [name, setting] of Object.entries(spec)) {
    const value = substitute(environment[name] ?? '', prepared);
    if (value === '') {
      if (!('default' in setting)) faults.push(`${name}: is missing`);
    } else if (name.endsWith('_FILE')) {
      if (!mounted.has(value)) faults.push(`${name}: nothing is mounted at ${value}`);
    } else {
      try {
        setting.parse(value);
      } catch (error) {
        faults.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return faults;
}
const serviceIn = (file: ComposeFile, name: string): ComposeService => {
  const found = file.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};

describe('docker-compose.yml', () => {
  it('conforms to the Compose Specification', () => {
    const schema = JSON.parse(textOf('tests/deploy/compose-spec.schema.json')) as Record<string, unknown>;
    // Otherwise Ajv would look for the meta-schema by its URL.
    delete schema['$schema'];
    const valid = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    expect([valid(compose), valid.errors ?? []]).toEqual([true, []]);
    const broken = readCompose(textOf('docker-compose.yml').replace('image: postgres', 'imagee: postgres'));
    expect(valid(broken)).toBe(false);
    expect(valid.errors?.map(({ instancePath, params }) => [instancePath, params])).toEqual([
      ['/services/postgres', { additionalProperty: 'imagee' }],
    ]);
  });

  it.each(services)('gives %s exactly the settings that it needs', (service) => {
    const here = serviceIn(compose, service);
    expect(environmentFaults(service, here)).toEqual([]);
    // Controls: an unknown variable, a missing one, a wrong one, and a file that is not mounted.
    const { DATABASE_URL, ...without } = here.environment ?? {};
    expect(DATABASE_URL).toMatch(/^postgres:/);
    expect(
      environmentFaults(service, {
        ...here,
        secrets: (here.secrets ?? []).filter(({ target }) => target !== 'service.jwk'),
        environment: { ...without, READMIT_RATE_PER_ACTR: '5', PORT: 'http' },
      }).toSorted(),
    ).toEqual([
      'DATABASE_URL: is missing',
      'PORT: must be an integer from 0 to 65535',
      'READMIT_RATE_PER_ACTR: no such setting',
      'READMIT_SERVICE_KEY_FILE: nothing is mounted at /run/secrets/service.jwk',
    ]);
  });

  it('refuses to start without required variables', () => {
    expect(() => substitute(compose.services['intake']?.environment?.['READMIT_ISSUER'] ?? '', {})).toThrow('READMIT_ISSUER must be set');
    const asked = [...textOf('docker-compose.yml').matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name ?? '');
    expect(asked.length).toBeGreaterThan(5);
    expect([...new Set(asked)].filter((name) => !answers[name])).toEqual([]);
  });

  it('lets each service see only its own secrets, and defines none that is not used', () => {
    const sources = (name: string): readonly string[] => (serviceIn(compose, name).secrets ?? []).map(({ source }) => source);
    const used = new Set(Object.keys(compose.services).flatMap(sources));
    expect(Object.keys(compose.secrets).filter((name) => !used.has(name))).toEqual([]);
    expect([...used].filter((name) => !(name in compose.secrets))).toEqual([]);
    for (const service of services) {
      const others = services.filter((other) => other !== service);
      expect(
        sources(service).filter((source) => others.some((other) => source.split('-').join(' ').includes(other.split('-').join(' ')))),
      ).toEqual([]);
      expect(sources(service)).toEqual(
        expect.arrayContaining([`${service}-key`, `${service}-database-password`, `kafka-${service}-password`]),
      );
    }
  });

  it('contains no secret: every password is a file', () => {
    const inline = Object.entries(compose.services).flatMap(([service, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([name, value]) => (/PASSWORD|SECRET/.test(name) && !name.endsWith('_FILE')) || /:\/\/[^/@\s]*:[^/@\s]*@/.test(value))
        .map(([name]) => `${service} ${name}`),
    );
    expect(inline).toEqual([]);
    const jaas = Object.values(serviceIn(compose, 'kafka').environment ?? {}).filter((value) => value.includes('password='));
    expect(jaas).toHaveLength(2);
    for (const line of jaas)
      expect(line.replaceAll(/"\$\$\{directory:\/run\/secrets:[a-z.-]+\}"/g, '""')).not.toMatch(/(password|user_broker)="[^"]/);
  });

  it('starts services after their dependencies, and limits everything', () => {
    for (const service of services) {
      const { depends_on: needs = {}, healthcheck, user, read_only: readOnly, restart } = serviceIn(compose, service);
      expect({
        needs: Object.fromEntries(Object.entries(needs).map(([name, { condition }]) => [name, condition])),
        healthcheck: healthcheck?.test,
        user,
        readOnly,
        restart,
      }).toEqual({
        needs: {
          postgres: 'service_healthy',
          kafka: 'service_healthy',
          setup: 'service_completed_successfully',
          'setup-kafka': 'service_completed_successfully',
        },
        healthcheck: ['CMD', 'node', 'deploy/ready.mjs'],
        user: '1000:1000',
        readOnly: true,
        restart: 'unless-stopped',
      });
    }
    for (const [name, { deploy, networks, network_mode: mode }] of Object.entries(compose.services)) {
      expect([name, Object.keys(deploy?.resources?.limits ?? {}).toSorted()]).toEqual([name, ['cpus', 'memory', 'pids']]);
      expect([name, networks ?? mode]).toEqual([name, mode === undefined ? ['readmit'] : 'service:kafka']);
    }
  });

  it('names files that exist and programs that are built', () => {
    const files = Object.values(compose.configs).map(({ file }) => substitute(file, answers));
    expect(files.filter((file) => !existsSync(path.join(workspace, file)))).toEqual([]);
    const programs = Object.values(compose.services).flatMap(({ command = [] }) => command.filter((word) => word.startsWith('dist/apps/')));
    expect(programs.length).toBe(services.length + 2);
    expect(
      programs.filter((file) => !existsSync(path.join(workspace, file.replace('dist/apps/', 'apps/').replace('main.js', 'src/main.ts')))),
    ).toEqual([]);
  });

  it('has the same six services as Kafka users, upstreams of the reverse proxy and targets of Prometheus', () => {
    const sorted = [...services].toSorted();
    const users = /for service in (.*); do/.exec(textOf('deploy/compose/kafka-users.sh'))?.[1]?.split(' ').toSorted();
    const upstreams = [...textOf('deploy/compose/front.conf').matchAll(/~\^\/api\/[a-z]+\/ +([a-z-]+);/g)]
      .map(([, name]) => name)
      .toSorted();
    const { scrape_configs: jobs } = parse(textOf('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: readonly { static_configs: readonly { targets: readonly string[] }[] }[];
    };
    const targets = jobs
      .flatMap(({ static_configs: some }) => some.flatMap((one) => one.targets))
      .map((target) => target.replace(':8080', ''))
      .toSorted();
    expect({ users, upstreams, targets }).toEqual({ users: sorted, upstreams: sorted, targets: sorted });
    expect(services.map((service) => compose.services[service]?.environment?.['KAFKA_SASL_USERNAME'])).toEqual(
      services.map(servicePrincipal),
    );
  });
});

describe('the image', () => {
  const dockerfile = textOf('Dockerfile');
  it('has the version of Node that is used for tests, and runs as a user who may not write to it', () => {
    const { dependencies } = JSON.parse(textOf('package.json')) as { dependencies: Record<string, string> };
    expect(/^ARG NODE_VERSION=(.*)$/m.exec(dockerfile)?.[1]).toBe(dependencies['node']);
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(bases).toEqual(['node:${NODE_VERSION}-bookworm-slim', 'build', 'node:${NODE_VERSION}-bookworm-slim']);
    expect(dockerfile.lastIndexOf('USER 1000:1000')).toBeGreaterThan(dockerfile.lastIndexOf('COPY'));
  });

  it('copies only what .dockerignore includes', () => {
    const included = textOf('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, words = '']) => words.split(' '));
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((file) => !included.includes(file))).toEqual([]);
  });

  it('has a health check that reports whether the service is ready', async () => {
    let status = 200;
    const server = createServer((_request, response) => response.writeHead(status).end('{"says":"as asked"}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const PORT = String((server.address() as AddressInfo).port);
    const check = () =>
      new Promise<{ code: number | null; output: string }>((resolve) => {
        const child = spawn(process.execPath, [path.join(workspace, 'deploy/ready.mjs')], { env: { HOST: '0.0.0.0', PORT } });
        let output = '';
        child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
        child.once('close', (code) => resolve({ code, output }));
      });
    expect(await check()).toEqual({ code: 0, output: '200 {"says":"as asked"}\n' });
    status = 503;
    expect(await check()).toEqual({ code: 1, output: '503 {"says":"as asked"}\n' });
    await new Promise((resolve) => server.close(resolve));
    expect(await check()).toEqual({ code: 1, output: 'no response: ECONNREFUSED\n' });
  });
});
