import type * as Signing from '@readmit/signing';
import path from 'node:path';
import { example, type Register } from '../act.js';
import type { Context } from '../context.js';
import { CliError, codeOf, saidBy, usage } from '../errors.js';
import { wouldDo } from './operate.js';
import { setUpKafka, type SetupKafkaOptions } from './setup-kafka.js';

interface SetupCommandOptions extends SetupKafkaOptions {
  readonly kafka?: true;
  readonly databaseUrl?: string;
  readonly secretsDir?: string;
  readonly database?: string;
  readonly connections?: string;
  readonly keysDir?: string;
  readonly environment: string;
}

export const registerSetup: Register = (program, act) => {
  example(
    program
      .command('setup')
      .description(
        'operator: create schemas, tables, one least-privilege role per service in your PostgreSQL, and keys; or topics and ACLs in your Kafka',
      )
      .option('--database-url <url>', 'URL of a role that may create roles, without the password (DATABASE_URL; password in PGPASSWORD)')
      .option('--secrets-dir <folder>', "folder for the roles' password files")
      .option('--database <name>', 'database to use, created if missing')
      .option(
        '--connections <number>',
        "connection limit of each service's role (default: enough for two processes, if it has no limit yet)",
      )
      .option('--keys-dir <folder>', 'folder for the keys of services and log; without it no keys are created')
      .option('--environment <name>', 'READMIT_ENVIRONMENT of the services; also names the log', 'production')
      .option('--kafka', 'set up Kafka topics and ACLs (KAFKA_BROKERS, KAFKA_SASL_*, KAFKA_TLS*) instead of the database')
      .option('--provider <name...>', 'with --kafka: identity providers that publish signals there')
      .option('--siem <name...>', 'with --kafka: SIEMs that read the audit topic')
      .option('--replication <copies>', 'with --kafka: replication factor', '3')
      .option('--min-in-sync <copies>', 'with --kafka: min.insync.replicas', '2')
      .option('--apply', 'apply it; otherwise nothing is changed'),
    'PGPASSWORD=... readmit setup --database-url postgres://owner@db.example.org/readmit --secrets-dir /etc/readmit/secrets --keys-dir /etc/readmit/keys --apply',
    'KAFKA_BROKERS=kafka:9092 KAFKA_SASL_USERNAME=admin KAFKA_SASL_PASSWORD_FILE=admin.password readmit setup --kafka --provider acme --siem soc --apply',
  ).action(
    act((context: Context, options: SetupCommandOptions) => (options.kafka ? setUpKafka(context, options) : setUp(context, options))),
  );
};

async function setUp(context: Context, options: SetupCommandOptions): Promise<void> {
  const { databaseUrl, secretsDir, database, environment, apply } = options;
  if (secretsDir === undefined)
    throw usage('--secrets-dir is missing', "Add --secrets-dir for the roles' passwords, or --kafka to set up Kafka.");
  const keysDir = options.keysDir === undefined ? undefined : path.resolve(options.keysDir);
  if (
    databaseUrl !== undefined &&
    URL.canParse(databaseUrl) &&
    (new URL(databaseUrl).password || new URL(databaseUrl).searchParams.has('password'))
  ) {
    throw usage(
      '--database-url contains a password, which every user of this machine can see',
      'Leave it out and put it into PGPASSWORD, or give the whole URL as DATABASE_URL.',
    );
  }
  const ownerUrl = databaseUrl ?? context.io.env['DATABASE_URL'];
  if (!ownerUrl || !/^postgres(ql)?:\/\//.test(ownerUrl) || !URL.canParse(ownerUrl))
    throw usage('--database-url is missing', 'Add --database-url postgres://owner@host/database, or set DATABASE_URL.');
  if (!/^[a-z0-9-]{1,63}$/.test(environment))
    throw usage(`"${environment}" is not a valid environment name`, 'Use lower-case letters, digits and dashes, at most 63.');
  const connections = connectionsOf(options.connections);
  // Loaded only here: no other command uses the database's driver.
  const { planSetup, securedDatabaseUrl, setup } = await import('@readmit/store');
  try {
    securedDatabaseUrl(ownerUrl);
  } catch (cause) {
    throw usage(`The URL of the database ${saidBy(cause)}`, 'TLS is configured automatically; add your own CA with ?sslrootcert=<file>.');
  }
  const place = { secretsDir, ...(database === undefined ? {} : { database }), ...(connections === undefined ? {} : { connections }) };
  const { host, pathname } = new URL(ownerUrl);
  const where = `${host}${pathname}`;
  if (!apply) {
    const keyPlan = keysDir === undefined ? [] : await withKeys(keysDir, ({ planKeyFiles }) => planKeyFiles(keysDir, environment));
    const plan = await planSetup({ ownerUrl, ...place }).catch((cause: unknown) => {
      throw setupFailure(cause, where);
    });
    return wouldDo(context, [...keyPlan, ...plan, 'rewrite the grants of each role']);
  }
  // Keys first: they cost nothing, and a folder that cannot be used should not leave a database behind.
  const keys = keysDir === undefined ? undefined : await withKeys(keysDir, ({ keyFiles }) => keyFiles(keysDir, environment));
  let changes: readonly string[];
  let notices: readonly string[];
  try {
    ({ changes, notices } = await setup({ ownerUrl, ...place }));
  } catch (cause) {
    throw setupFailure(cause, where);
  }
  const all = [...changes, ...(keys?.made ?? []).map((file) => `created ${file}`)];
  context.out.result({ applied: true, changes: all, notices, ...(keys ? { keys } : {}) }, () => {
    for (const change of all) context.out.line(change);
    context.out.line(all.length === 0 ? 'Everything already exists.' : `Done. The passwords of the roles are in ${secretsDir}.`);
    for (const notice of notices) context.out.note(notice);
    if (!keys) return;
    context.out.line('Settings for every service; none is secret:');
    context.out.fields([
      ['READMIT_ENVIRONMENT', environment],
      ['READMIT_ROOT_KEY', keys.rootKey],
      ['READMIT_KEY_LIST_FILE', keys.keyListFile],
    ]);
    if (keys.made.length > 0)
      context.out.note('Take root-belongs-offline.jwk offline now: anyone who has it can add service keys. It is not needed at run time.');
  });
}

function connectionsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw usage(`--connections is "${text}"`, 'Use an integer from 1 to 99999.');
  return Number(text);
}

async function withKeys<T>(folder: string, use: (signing: typeof Signing) => Promise<T>): Promise<T> {
  const signing = await import('@readmit/signing');
  try {
    return await use(signing);
  } catch (cause) {
    throw new CliError('usage', `The keys cannot be made or used: ${saidBy(cause)}`, {
      where: folder,
      next: 'Correct the error above. No key was replaced and the database was not changed.',
      cause,
    });
  }
}

/** PostgreSQL's classes of SQLSTATE: 08 connection, 28 authorization, 42501 privilege; and the socket's own errors. */
function setupFailure(cause: unknown, where: string): CliError {
  const code = codeOf(cause) ?? '';
  // Several addresses of one host fail as one error without words.
  const { errors } = cause as { readonly errors?: unknown };
  const message = Array.isArray(errors) ? errors.map(saidBy).join('; ') : saidBy(cause);
  if (/^(ECONN|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|EAI_|08|57P0)/.test(code))
    return new CliError('unreachable', `The database cannot be reached: ${message}`, {
      where,
      next: 'Check the address and that it is running.',
      cause,
    });
  if (/^(28|42501)/.test(code))
    return new CliError('refused', `The database refused the owner: ${message}`, {
      where,
      next: 'Check PGPASSWORD, and that the role may create roles and owns the database.',
      cause,
    });
  return new CliError('unexpected', `The set-up failed: ${message}`, {
    where,
    next: 'It is safe to run again: existing objects are kept.',
    cause,
  });
}
