/** What a slice must have left: every case did what it had to do exactly once in each service, nothing is parked, and the log holds all. */
import { auditOcsfTopic, services, topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, schemaOf, tablesOfTopic } from '@readmit/store';
import type pg from 'pg';
import { factsAlong, hopsOf, isHopsProgram, saidAlong, type Passed } from './chain.js';
import type { Script } from './script.js';

export interface Wanted {
  /** What is said, and kept by who says it. */
  readonly said: readonly Passed[];
  /** Facts that a case leaves, by the service's schema; nothing is asked of one that is absent. */
  readonly facts: Readonly<Record<string, number>>;
}

/** What each service says or keeps exactly once in every case that ran its course. */
const ends: readonly Passed[] = [
  { service: 'intake', type: 'readmit.case.closed', times: 1 },
  { service: 'classification', type: 'readmit.case.classified', times: 1 },
  { service: 'approval', type: 'readmit.approval.granted', times: 1 },
  { service: 'execution', type: 'readmit.revocation.confirmed', times: 1 },
  { service: 'revocation-scheduler', type: 'readmit.obligation.discharged', times: 1 },
];

/** By program: of who plays a script its facts count as well, of a chain every hop. */
export function wantedOf(program: string, script: Script | undefined): Wanted {
  if (isHopsProgram(program)) return { said: saidAlong(hopsOf[program]), facts: factsAlong(hopsOf[program]) };
  return { said: ends, facts: program === 'product' || program === 'six' ? {} : (script?.facts ?? {}) };
}

/** Sentence that says what is wrong, or undefined. */
export async function wrongIn(client: pg.Client, cases: number, { said, facts }: Wanted): Promise<string | undefined> {
  const number = numbersOf(client);
  for (const passed of said) {
    const wrong = await wrongSaid(number, cases, passed);
    if (wrong !== undefined) return wrong;
  }
  for (const service of services) {
    const [parked] = await number(`SELECT count(*) FROM ${schemaOf(service)}.parked`);
    if (parked !== 0) return `${service} parked ${parked} messages`;
    if (service === 'audit') continue;
    const wanted = facts[schemaOf(service)];
    const [kept] = await number(`SELECT count(*) FROM ${schemaOf(service)}.fact`);
    if (wanted !== undefined && kept !== wanted * cases) return `${service} keeps ${kept} facts instead of ${wanted * cases}`;
    const wrong = await wrongInLogOf(number, service);
    if (wrong !== undefined) return wrong;
  }
  const [leaves, last, checkpoint] = await number(
    'SELECT count(*) AS leaves, max(index) + 1 AS last, (SELECT max(size) FROM audit.checkpoint) AS checkpoint FROM audit.leaf',
  );
  const [shown] = await number(`SELECT count(*) FROM ${busSchema}.${tablesOfTopic(auditOcsfTopic).log}`);
  if (shown !== leaves) return `${shown} of ${leaves} leaves were shown to SIEMs`;
  return leaves === last && leaves === checkpoint
    ? undefined
    : `the log has ${leaves} leaves, the last is ${last}, its checkpoint ${checkpoint}`;
}

type Numbers = (sql: string, values?: unknown[]) => Promise<readonly number[]>;

const numbersOf =
  (client: pg.Client): Numbers =>
  async (sql, values = []) =>
    Object.values((await client.query<Record<string, string>>(sql, values)).rows[0] ?? {}).map(Number);

async function wrongSaid(number: Numbers, cases: number, { service, type, times }: Passed): Promise<string | undefined> {
  const { log } = tablesOfTopic(topicOf(service));
  const [said, saidOf] = await number(
    `SELECT count(*) AS all, count(DISTINCT key) AS keys FROM ${busSchema}.${log} WHERE headers->>'ce_type' = $1`,
    [type],
  );
  // Audit keeps a log, and no facts.
  const [kept, keptOf] =
    service === 'audit'
      ? [said, saidOf]
      : await number(
          `SELECT count(*) AS all, count(DISTINCT key) AS keys FROM ${schemaOf(service)}.fact WHERE type = $1 AND key LIKE 'case-%'`,
          [type],
        );
  return said === times * cases && kept === times * cases && saidOf === cases && keptOf === cases
    ? undefined
    : `${service}: ${type} of ${cases} cases, ${times} a case, was said ${said} times for ${saidOf} cases and kept ${kept} times for ${keptOf}`;
}

async function wrongInLogOf(number: Numbers, service: ServiceName): Promise<string | undefined> {
  const { log } = tablesOfTopic(topicOf(service));
  const [logged, missing] = await number(
    `SELECT (SELECT count(*) FROM audit.leaf WHERE topic = $1) AS logged, (SELECT count(*) FROM ${busSchema}.${log} t
       WHERE NOT EXISTS (SELECT FROM audit.leaf l WHERE l.event_id = t.headers->>'ce_id')) AS missing`,
    [topicOf(service)],
  );
  const [all] = await number(`SELECT count(*) FROM ${busSchema}.${log}`);
  return logged === all && missing === 0 ? undefined : `the log holds ${logged} of ${all} events of ${service}, ${missing} are missing`;
}
