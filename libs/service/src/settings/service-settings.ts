import { kafkaName } from '@readmit/contracts';
import { kafkaSettings } from './kafka-settings.js';
import { choice, databaseUrl, followedTextFile, integer, list, matching, secretLine, serviceKeyFile, webUrl } from './parsers.js';
import { settings, type Settings } from './settings.js';
import { signInSettings } from './sign-in-settings.js';

/** Of a process, not of a person: a `#` would end it, see group membership of the embedded bus. */
const name = (example: string) => matching(/^[A-Za-z0-9._:/@-]{1,128}$/, 'letters, digits and . _ : / @ -, at most 128', example);

/** What every service needs to know; an app adds its own settings to these. */
export const serviceSettings = settings({
  READMIT_ENVIRONMENT: {
    says: 'Name of the installation; signed into every event, so that events of one environment are rejected in another.',
    parse: matching(/^[a-z0-9-]{1,63}$/, 'lower-case letters, digits and dashes, at most 63', 'production'),
  },
  DATABASE_URL: {
    says: 'PostgreSQL URL with the role of this service. Connections to another machine always use TLS and verify the server; sslrootcert=<file> in it names the CA.',
    parse: databaseUrl,
    secret: true,
  },
  DATABASE_PASSWORD_FILE: {
    says: 'File (mode 0600) with the password of that role; DATABASE_URL then holds none.',
    parse: secretLine('secrets/readmit_intake.password'),
    default: undefined,
  },
  PORT: { says: 'TCP port of the HTTP server; 0 takes a free one.', parse: integer(0, 65_535, 8081), default: 8081 },
  HOST: {
    says: 'Address that the HTTP server listens on.',
    parse: matching(/^[0-9A-Za-z.:-]{1,253}$/, 'an IP address or a host name', '127.0.0.1'),
    default: '127.0.0.1',
  },
  READMIT_SERVICE_KEY_FILE: {
    says: 'File (mode 0600) with the private Ed25519 JWK of this service; signs its events.',
    parse: serviceKeyFile,
  },
  READMIT_KEY_LIST_FILE: {
    says: 'File with the list of public service keys, signed by the root key; reloaded while the service runs.',
    parse: followedTextFile('keys/list.jws'),
  },
  READMIT_ROOT_KEY: {
    says: 'Public Ed25519 key of the offline root: x of its JWK, base64url.',
    parse: matching(
      /^[A-Za-z0-9_-]{43}$/,
      'the base64url x of an Ed25519 JWK (43 characters)',
      '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    ),
  },
  ...signInSettings,
  READMIT_PUBLIC_URL: {
    says: 'Public origin of the API; links start with it.',
    parse: webUrl('https://readmit.example.com'),
  },
  READMIT_PROVIDERS: {
    says: 'Client ids of identity providers that may publish signals, separated by commas; on Kafka each writes to readmit.signals.<id>.v1 as idp-<id>.',
    parse: list(matching(kafkaName, 'letters, digits and dashes, at most 63', 'demo-idp')),
    default: [] as readonly string[],
  },
  READMIT_LOG_LEVEL: {
    says: 'Minimum log level.',
    parse: choice('info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent'),
    default: 'info' as const,
  },
  READMIT_TRUSTED_PROXIES: {
    says: 'Addresses or networks of proxies whose X-Forwarded-For is trusted, separated by commas.',
    parse: list(matching(/^[0-9A-Fa-f.:]+(\/\d{1,3})?$/, 'IP addresses or networks', '10.0.0.0/8')),
    default: [] as readonly string[],
  },
  READMIT_RATE_PER_ADDRESS: {
    says: 'Requests a minute from one IP address without a sign-in, or with a failing one.',
    parse: integer(1, 1_000_000, 60),
    default: 60,
  },
  READMIT_RATE_PER_ACTOR: {
    says: 'Requests a minute from one person or client that is signed in.',
    parse: integer(1, 1_000_000, 600),
    default: 600,
  },
  READMIT_INSTANCE: {
    says: 'Name of this process within its service: stable across restarts, unique among running processes. With it a restarted process takes over its partitions at once; without it they wait for the old lease to expire.',
    parse: name('intake-0'),
    default: undefined,
  },
  ...kafkaSettings,
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    says: 'OTLP/HTTP endpoint for traces; absent: no traces.',
    parse: webUrl('http://127.0.0.1:4318'),
    default: undefined,
  },
});
export type ServiceSettings = Settings<typeof serviceSettings>;
