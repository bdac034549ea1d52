/** The life of a service: starting, serving over a real socket, stopping in order. Store and engine are fakes; the process itself is driven with a host of the spec's. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '@readmit/runtime';
import type { Store } from '@readmit/store';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '@readmit/testing';
import {
  choice,
  ConfigurationError,
  runService,
  serviceApp,
  settings,
  startService,
  type Backing,
  type BuildContext,
  type Host,
} from '../src/index.js';
import { startIssuer, type TestIssuer } from './issuer.js';
import { FakeEngine, schedulerControllers } from './scheduler.js';

let folder: string;
let issuer: TestIssuer;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'service-'));
  writeFileSync(path.join(folder, 'key.jwk'), JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })), {
    mode: 0o600,
  });
  writeFileSync(path.join(folder, 'list.jws'), 'a.b.c');
  issuer = await startIssuer();
});
afterAll(async () => {
  await issuer.close();
  rmSync(folder, { recursive: true });
});
const env = () => ({
  READMIT_ENVIRONMENT: 'test',
  DATABASE_URL: 'postgres://scheduler:correct-horse@127.0.0.1/readmit',
  READMIT_SERVICE_KEY_FILE: path.join(folder, 'key.jwk'),
  READMIT_KEY_LIST_FILE: path.join(folder, 'list.jws'),
  READMIT_ROOT_KEY: 'a'.repeat(43),
  READMIT_ISSUER: issuer.url,
  READMIT_PUBLIC_URL: 'https://readmit.example.com',
  PORT: '0',
});
const definition: ServiceDefinition = { name: 'revocation-scheduler', consumes: [], react: () => ({ emit: [] }), work: {}, wakes: 'timer' };
const spec = settings({ READMIT_SWEEP: { says: 'How to sweep.', parse: choice('fast', 'slow'), default: 'slow' as const } });

/** Notes the order in which things open and close. */
function setUp(fail?: 'build') {
  const events: string[] = [];
  const engine = new FakeEngine();
  const contexts: BuildContext<typeof spec>[] = [];
  engine.start = async () => void events.push('engine started');
  engine.stop = async () => void events.push('engine stopped');
  const backing: Backing = {
    openStore: async () => ({ close: async () => void events.push('store closed') }) as unknown as Store,
    openEngine: async () => ({ engine, close: async () => void events.push('bus closed') }),
  };
  const app = serviceApp({
    name: 'revocation-scheduler',
    area: 'revocation',
    settings: spec,
    build: async (context) => {
      if (fail) throw new Error('the target of correct-horse is not there');
      contexts.push(context);
      return { definition, controllers: schedulerControllers(context.commands), close: async () => void events.push('app closed') };
    },
  });
  const lines: string[] = [];
  const writeLog = (line: string) => void lines.push(line);
  return {
    events,
    engine,
    contexts,
    app,
    lines,
    backing,
    writeLog,
    start: (more: Record<string, string> = {}) => startService(app, { ...env(), ...more }, { backing, writeLog }),
  };
}

describe('a service', () => {
  it('serves its routes through its engine, and closes everything in order', async () => {
    const { events, engine, contexts, start } = setUp();
    const running = await start({ READMIT_SWEEP: 'fast' });
    const response = await fetch(`${running.url}/api/revocation/cases/case_1/end`, {
      method: 'POST',
      body: '{"reason":"Done."}',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await issuer.token()}` },
    });
    expect({ status: response.status, json: await response.json() }).toEqual({
      status: 202,
      json: { caseId: 'case_1', link: '/api/revocation/cases/case_1' },
    });
    expect(engine.commanded).toHaveLength(1);
    expect(contexts[0]?.settings).toMatchObject({ READMIT_SWEEP: 'fast', READMIT_ENVIRONMENT: 'test', HOST: '127.0.0.1' });
    expect(contexts[0]?.newId('end')).toMatch(/^end_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    await Promise.all([running.stop(), running.stop()]);
    expect(events).toEqual(['engine started', 'engine stopped', 'bus closed', 'app closed', 'store closed']);
    await expect(fetch(`${running.url}/health/live`)).rejects.toThrow('fetch failed');
  });

  it('finishes a request that is under way before the engine stops', async () => {
    const { events, engine, start } = setUp();
    const running = await start();
    let finish = () => {};
    const taken = new Promise<void>((reached) => {
      const command = engine.command;
      engine.command = async (about, decide) => {
        reached();
        await new Promise<void>((resolve) => (finish = resolve));
        events.push('request finished');
        return command(about, decide);
      };
    });
    const answered = fetch(`${running.url}/api/revocation/cases/case_1/end`, {
      method: 'POST',
      body: '{"reason":"Done."}',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await issuer.token()}` },
    });
    await taken;
    const stopped = running.stop();
    finish();
    expect((await answered).status).toBe(202);
    await stopped;
    expect(events.indexOf('request finished')).toBeGreaterThan(-1);
    expect(events.indexOf('request finished')).toBeLessThan(events.indexOf('engine stopped'));
  });

  it('closes what it opened when it cannot start, and keeps secrets out of the log of it', async () => {
    const { events, lines, start } = setUp('build');
    await expect(start()).rejects.toThrow('is not there');
    expect(events).toEqual(['store closed']);
    expect(lines.join('')).toContain('could not start');
    expect(lines.join('')).not.toContain('correct-horse');
  });

  it('does not start with a wrong configuration', async () => {
    const { start, events } = setUp();
    await expect(start({ PORT: 'abc', READMIT_SWEEPS: 'fast' })).rejects.toThrow(ConfigurationError);
    await expect(start({ READMIT_SWEEPS: 'fast' })).rejects.toThrow(
      'READMIT_SWEEPS: no service has such a setting. Did you mean READMIT_SWEEP?',
    );
    expect(events).toEqual([]);
  });

  it('refuses half of a sign-in to Kafka before it opens anything', async () => {
    const { app } = setUp();
    const half = { ...env(), KAFKA_BROKERS: 'kafka:9092', KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'readmit-intake' };
    await expect(startService(app, half, { writeLog: () => {} })).rejects.toThrow(
      'KAFKA_SASL_PASSWORD_FILE: is missing, but KAFKA_SASL_MECHANISM is set.',
    );
  });
});

/** A process that the spec signals and that notes how it would have ended. */
class FakeHost implements Host {
  readonly exits: number[] = [];
  readonly errors: string[] = [];
  private readonly listeners = new Map<string, () => void>();
  readonly stderr = { write: (text: string) => this.errors.push(text) };
  once(signal: string, listener: () => void): void {
    this.listeners.set(signal, listener);
  }
  removeListener(signal: string): void {
    this.listeners.delete(signal);
  }
  exit(code: number): void {
    this.exits.push(code);
  }
  signal(signal: 'SIGTERM' | 'SIGINT'): void {
    this.listeners.get(signal)?.();
  }
}

describe('the process of a service', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('drains on %s and exits 0', async (signal) => {
    const { app, backing, writeLog, events } = setUp();
    const host = new FakeHost();
    await runService(app, env(), { backing, writeLog, host });
    expect(host.exits).toEqual([]);
    host.signal(signal);
    await until(() => host.exits.length > 0, { what: 'the process exits' });
    expect(host.exits).toEqual([0]);
    expect(events.at(-1)).toBe('store closed');
  });

  it('obeys a signal that came while it was starting', async () => {
    const { app, backing, writeLog, events } = setUp();
    const host = new FakeHost();
    const run = runService(app, env(), { backing, writeLog, host });
    host.signal('SIGTERM');
    await run;
    await until(() => host.exits.length > 0, { what: 'the process exits' });
    expect({ exits: host.exits, last: events.at(-1) }).toEqual({ exits: [0], last: 'store closed' });
  });

  it('exits 78 with every error of its configuration on standard error', async () => {
    const { app, backing, writeLog } = setUp();
    const host = new FakeHost();
    await runService(app, { ...env(), PORT: 'abc', READMIT_SWEEP: 'never' }, { backing, writeLog, host });
    expect(host.exits).toEqual([78]);
    expect(host.errors.join('')).toContain("PORT: must be an integer from 0 to 65535, was 'abc'. Set PORT=8081 or leave it out.");
    expect(host.errors.join('')).toContain(
      "READMIT_SWEEP: must be one of fast, slow, was 'never'. Set READMIT_SWEEP=fast or leave it out.",
    );
  });

  it('exits 1 when it does not stop in time', async () => {
    const { app, backing, writeLog, engine } = setUp();
    let release = () => {};
    engine.stop = () => new Promise<void>((resolve) => (release = resolve));
    const host = new FakeHost();
    await runService(app, env(), { backing, writeLog, host, drainWithinMs: 50 });
    host.signal('SIGTERM');
    await until(() => host.exits.length > 0, { what: 'the process exits' });
    release();
    expect(host.exits).toEqual([1]);
    expect(host.errors.join('')).toContain('revocation-scheduler: did not stop within 0.05 s');
  });
});

describe('traces', () => {
  it('go to the OTLP endpoint when one is set, with route and status and without what was said', async () => {
    const received: { url: string | undefined; body: string }[] = [];
    const collector = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      request.on('end', () => {
        received.push({ url: request.url, body });
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { start } = setUp();
    const running = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` });
    await fetch(`${running.url}/api/revocation/cases/case_77/end`, {
      method: 'POST',
      body: '{"reason":"canary"}',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await issuer.token()}` },
    });
    await running.stop();
    collector.closeAllConnections();
    await new Promise((resolve) => collector.close(resolve));
    const sent = received.map(({ body }) => body).join('');
    expect(received[0]?.url).toBe('/v1/traces');
    expect(sent).toContain('/api/revocation/cases/:caseId/end');
    expect(sent).not.toMatch(/canary|case_77|person:ada/);
  });
});
