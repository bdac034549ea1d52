import { afterAll, beforeAll, describe as group, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { choice, databaseUrl, integer, issuerUrl, list, matching, serviceKeyFile, webUrl } from './parsers.js';
import { Secret } from './secret.js';
import { serviceSettings } from './service-settings.js';
import { ConfigurationError, describe, readSettings, secretTexts, settings } from './settings.js';

let folder: string;
let keyFile: string;
let secretPart: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'settings-'));
  keyFile = path.join(folder, 'intake.jwk');
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  secretPart = jwk.d ?? '';
  writeFileSync(keyFile, JSON.stringify(jwk), { mode: 0o600 });
  writeFileSync(path.join(folder, 'list.jws'), 'a.b.c');
});
afterAll(() => rmSync(folder, { recursive: true }));

function errorsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.errors;
    throw error;
  }
  return [];
}
const spec = settings({
  PORT: { says: 'Port.', parse: integer(0, 65_535, 8081), default: 8080 },
  READMIT_MODE: { says: 'Mode.', parse: choice('fast', 'safe') },
  READMIT_NAMES: { says: 'Names.', parse: list(matching(/^[a-z]+$/, 'lower-case letters', 'ada')), default: [] as readonly string[] },
});

group('a configuration', () => {
  it('gives typed values and defaults', () => {
    const { PORT, READMIT_MODE, READMIT_NAMES } = readSettings(spec, { READMIT_MODE: 'safe', READMIT_NAMES: 'ada, erin', PATH: '/bin' });
    const port: number = PORT;
    const mode: 'fast' | 'safe' = READMIT_MODE;
    expect({ port, mode, READMIT_NAMES }).toEqual({ port: 8080, mode: 'safe', READMIT_NAMES: ['ada', 'erin'] });
  });

  it('tells every error at once, each with what to do', () => {
    expect(
      errorsOf(() =>
        readSettings(spec, { PORT: 'abc', READMIT_NAMES: 'ada,Erin', READMIT_MOED: 'safe', READMIT_COLOUR_OF_THE_SKY: 'blue' }),
      ),
    ).toEqual([
      "PORT: must be an integer from 0 to 65535, was 'abc'. Set PORT=8081 or leave it out.",
      'READMIT_MODE: is missing. Mode. Set READMIT_MODE=fast.',
      "READMIT_NAMES: must be lower-case letters, was 'ada,Erin'. Set READMIT_NAMES=ada or leave it out.",
      'READMIT_MOED: no service has such a setting. Did you mean READMIT_MODE?',
      'READMIT_COLOUR_OF_THE_SKY: no service has such a setting. Remove it.',
    ]);
  });

  it('passes over settings of other services and of the CLI, and refuses those misspelt', () => {
    const others = { READMIT_URL: 'http://127.0.0.1:7400', READMIT_HOME: '/etc/readmit/ada', READMIT_TARGETS_FILE: 'targets.json' };
    expect(errorsOf(() => readSettings(spec, { READMIT_MODE: 'safe', ...others }))).toEqual([]);
    expect(errorsOf(() => readSettings(spec, { READMIT_MODE: 'safe', READMIT_TARGET_FILE: 'targets.json' }))).toEqual([
      'READMIT_TARGET_FILE: no service has such a setting. Did you mean READMIT_TARGETS_FILE?',
    ]);
  });

  it.each([
    ['READMIT_INTAKE_SERVICE_HOST', '10.96.0.17'],
    ['READMIT_INTAKE_SERVICE_PORT', '8080'],
    ['READMIT_INTAKE_SERVICE_PORT_HTTP', '8080'],
    ['READMIT_REVOCATION_SCHEDULER_PORT', 'tcp://10.96.0.17:8080'],
    ['READMIT_PORT', 'tcp://10.96.0.17:8080'],
    ['READMIT_SERVICE_HOST', '10.96.0.17'],
    ['READMIT_INTAKE_PORT_8080_TCP', 'tcp://10.96.0.17:8080'],
    ['READMIT_INTAKE_PORT_8080_TCP_PROTO', 'tcp'],
    ['READMIT_INTAKE_PORT_8080_TCP_PORT', '8080'],
    ['READMIT_INTAKE_PORT_53_UDP_ADDR', '10.96.0.17'],
  ])('passes over %s=%s, which Kubernetes gives', (name, text) => {
    expect(errorsOf(() => readSettings(spec, { READMIT_MODE: 'safe', [name]: text }))).toEqual([]);
  });

  it.each([
    ['READMIT_PORT', '8083'],
    ['READMIT_INTAKE_HOST', '10.96.0.17'],
    ['READMIT_PORT_TCP', 'tcp'],
  ])('refuses %s=%s, which nobody gives', (name, text) => {
    expect(errorsOf(() => readSettings(spec, { READMIT_MODE: 'safe', [name]: text }))).toEqual([
      expect.stringContaining(`${name}: no service has such a setting.`),
    ]);
  });

  it.each(['', '65536', '-1', '80.5', '8e1', '0x50', ' 80'])('refuses the port %j unless it is absent', (text) => {
    const errors = errorsOf(() => readSettings(spec, { PORT: text, READMIT_MODE: 'fast' }));
    expect(errors).toHaveLength(text === '' ? 0 : 1);
  });

  it.each([
    ['http://sso.example.com', false],
    ['https://ada:pw@sso.example.com', false],
    ['ftp://sso.example.com', false],
    ['https://sso.example.com/realms/acme', true],
    ['http://127.0.0.1:9000', true],
  ])('of a web URL or an issuer %s: taken is %s', (text, taken) => {
    for (const parse of [webUrl('https://sso.example.com'), issuerUrl('https://sso.example.com')])
      expect(errorsOf(() => readSettings({ URL: { says: 'URL.', parse } }, { URL: text }))).toHaveLength(taken ? 0 : 1);
  });

  it('keeps the slash at the end of the name of an issuer, and none at the end of another URL', () => {
    const urls = { ISSUER: { says: 'Issuer.', parse: issuerUrl('') }, URL: { says: 'URL.', parse: webUrl('') } };
    const text = 'https://acme.example.com/';
    expect(readSettings(urls, { ISSUER: text, URL: text })).toEqual({ ISSUER: text, URL: 'https://acme.example.com' });
  });

  it('describes each setting for the documentation', () => {
    expect(describe(spec)[0]).toEqual({ name: 'PORT', says: 'Port.', required: false, secret: false, default: '8080', example: '8081' });
    expect(describe(serviceSettings).find(({ name }) => name === 'DATABASE_URL')).toMatchObject({ required: true, secret: true });
  });
});

group('a secret', () => {
  const read = (env: Record<string, string>) => readSettings({ KEY: { says: 'Key.', parse: serviceKeyFile } }, env);

  it('in a file that others can read is refused with the mode; with 0600 it is taken', () => {
    chmodSync(keyFile, 0o640);
    expect(errorsOf(() => read({ KEY: keyFile }))).toEqual([
      expect.stringContaining('KEY: must name a file with mode 0600, this one has 0640 (chmod 600)'),
    ]);
    chmodSync(keyFile, 0o600);
    expect(read({ KEY: keyFile }).KEY.reveal().d).toBe(secretPart);
  });

  it('never shows its text in print, JSON, inspect or errors', () => {
    const { KEY } = read({ KEY: keyFile });
    expect(`${String(KEY)} ${JSON.stringify({ KEY })} ${inspect({ KEY }, { showHidden: true, depth: 9 })}`).not.toContain(secretPart);
    const broken = path.join(folder, 'broken.jwk');
    writeFileSync(broken, `{"kty":"OKP","d":"${secretPart}"`, { mode: 0o600 });
    const errors = errorsOf(() => read({ KEY: broken }));
    expect(errors).toEqual([expect.stringContaining('KEY: must name a file that holds a private JWK')]);
    expect(errors.join()).not.toContain(secretPart);
  });

  it('is never quoted by the error of a wrong URL, and its password is known to the scrubber', () => {
    const database = { DATABASE_URL: { says: 'Database.', parse: databaseUrl, secret: true } };
    const errors = errorsOf(() => readSettings(database, { DATABASE_URL: 'mysql://intake:correct-horse@db/readmit' }));
    expect(errors).toEqual(['DATABASE_URL: must be a PostgreSQL URL. Set DATABASE_URL=postgres://intake@127.0.0.1:5432/readmit.']);
    const values = readSettings(database, { DATABASE_URL: 'postgres://intake:correct%20horse@db/readmit' });
    expect(secretTexts(values)).toEqual(expect.arrayContaining(['correct%20horse', 'correct horse']));
    expect(values.DATABASE_URL).toBeInstanceOf(Secret);
  });
});

group('the settings of every service', () => {
  const good = () => ({
    READMIT_ENVIRONMENT: 'demo',
    DATABASE_URL: 'postgres://intake@127.0.0.1/readmit',
    READMIT_SERVICE_KEY_FILE: keyFile,
    READMIT_KEY_LIST_FILE: path.join(folder, 'list.jws'),
    READMIT_ROOT_KEY: 'a'.repeat(43),
    READMIT_ISSUER: 'http://127.0.0.1:9000/',
    READMIT_PUBLIC_URL: 'https://readmit.example.com',
  });
  it('need seven values and no more', () => {
    const values = readSettings(serviceSettings, good());
    expect(values).toMatchObject({
      PORT: 8081,
      HOST: '127.0.0.1',
      READMIT_ISSUER: 'http://127.0.0.1:9000/',
      READMIT_AUDIENCE: 'readmit-api',
      READMIT_PROVIDERS: [],
    });
    expect(errorsOf(() => readSettings(serviceSettings, {})).map((error) => error.split(':')[0])).toEqual(Object.keys(good()));
  });
  it('keep the list of keys that was read, and can read what is in its place now', () => {
    const { READMIT_KEY_LIST_FILE: list } = readSettings(serviceSettings, good());
    const file = path.join(folder, 'list.jws');
    const before = readFileSync(file, 'utf8');
    expect([list.text, list.read()]).toEqual([before, before]);
    try {
      writeFileSync(file, 'd.e.f');
      expect([list.text, list.read()]).toEqual([before, 'd.e.f']);
      list.take('d.e.f');
      expect(list.text).toBe('d.e.f');
      rmSync(file);
      expect(() => list.read()).toThrow(`${file} must name a readable file (ENOENT)`);
      expect(list.text).toBe('d.e.f');
    } finally {
      writeFileSync(file, before);
    }
  });
});
