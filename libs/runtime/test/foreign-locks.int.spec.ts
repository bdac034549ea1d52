/** No lock that the role of one service can take keeps another service from its partitions and its work. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { services, topics, type Draft } from '@readmit/contracts';
import { busSchema, schemaOf, tablesOfTopic } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';
import { openHouse, type House } from './engine-toy.js';
import type { Reaction } from '@readmit/domain';
import type { ServiceDefinition, WorkHandler } from '../src/index.js';

const due = (caseId: string): Draft => ({
  type: 'readmit.revocation.due',
  key: caseId,
  data: { caseId, obligationId: 'obl-1', cause: 'ended-by-person', by: 'ada' },
});

const handler = (undone: string[]): WorkHandler<string> => ({
  lane: 'urgent',
  begin: () => ({ go: true, emit: [] }),
  call: (work) => {
    undone.push(work.key);
    return Promise.resolve('undone');
  },
  finish: () => ({ emit: [] }),
});

/** In execution's place: undoes what is due, and publishes that. */
const undoing = (undone: string[]): ServiceDefinition => ({
  name: 'execution',
  consumes: ['readmit.revocation.due'],
  wakes: 'deadline',
  react: (facts): Reaction => {
    const first = facts.first('readmit.revocation.due');
    if (!first) return { emit: [] };
    const { caseId } = first.data;
    return {
      emit: [],
      work: [
        { id: `${caseId}/undo`, kind: 'undo', connector: 'target', object: caseId, alsoKeys: [], input: {}, notBefore: new Date(first.at) },
      ],
    };
  },
  work: {
    undo: handler(undone),
  },
});

/** What services and releases before used as names and numbers of advisory locks, and a number as anybody might choose it. */
const advisory = `
  SELECT pg_advisory_lock(hashtextextended(s || '.' || g, 0)) FROM unnest($1::text[]) s, unnest($2::text[]) g
  UNION ALL SELECT pg_advisory_lock(hashtextextended('group ' || g, 0)) FROM unnest($2::text[]) g
  UNION ALL SELECT pg_advisory_lock(hashtext(n), hashtext(s)) FROM unnest($1::text[]) s, unnest(ARRAY['readmit outbox relay', 'readmit outbox days']) n
  UNION ALL SELECT pg_advisory_lock(n) FROM unnest(ARRAY[7311206, 7311301, 0, 1, -1]) n`;

describe('locks that a role of another service holds', () => {
  let house: House;
  let attacker: pg.Client;
  beforeEach(async () => {
    house = await openHouse();
    attacker = new pg.Client({ connectionString: house.database.urls.intake });
    await attacker.connect();
  });
  afterEach(async () => {
    await attacker.end();
    await house.close();
  });
  const waiting = async (): Promise<boolean> => {
    const owner = new pg.Client({ connectionString: house.database.ownerUrl });
    await owner.connect();
    try {
      const { rowCount } = await owner.query(
        `SELECT FROM pg_stat_activity WHERE usename = 'readmit_execution' AND datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rowCount !== 0;
    } finally {
      await owner.end();
    }
  };

  it('R6.2 R8.1 keep execution neither from its partitions nor from undoing, whatever intake locks', async () => {
    await attacker.query(advisory, [services.map(schemaOf), services]);
    await attacker.query('BEGIN');
    const taken: string[] = [];
    const schemas = [busSchema, ...services.map(schemaOf)];
    const tables = [
      ...topics.flatMap((topic) => Object.values(tablesOfTopic(topic)).map((name) => `${busSchema}.${name as string}`)),
      ...schemas.flatMap((schema) =>
        ['setup_turn', 'migration', 'turn', 'member', 'position', 'fact', 'work', 'outbox'].map((name) => `${schema}.${name}`),
      ),
    ];
    for (const table of tables)
      for (const mode of ['ACCESS EXCLUSIVE', 'EXCLUSIVE', 'SHARE', 'ROW EXCLUSIVE', 'ACCESS SHARE']) {
        await attacker.query('SAVEPOINT one');
        const got = await attacker.query(`LOCK TABLE ${table} IN ${mode} MODE NOWAIT`).then(
          () => true,
          () => false,
        );
        await attacker.query(got ? 'RELEASE one' : 'ROLLBACK TO one');
        if (!got) continue;
        taken.push(`${table} ${mode}`);
        break;
      }
    // Its own it may lock as it likes; of others' tables only those that it reads, as a reader.
    expect(taken).toContain('intake.turn ACCESS EXCLUSIVE');
    expect(taken).toContain(`${busSchema}.${tablesOfTopic('readmit.execution.v1').log} ACCESS SHARE`);
    expect(taken.filter((one) => /^(execution|audit|revocation_scheduler)\./.test(one))).toEqual([]);

    const undone: string[] = [];
    const engine = await house.engine(undoing(undone));
    await engine.start();
    await house.send('revocation-scheduler', [due('case-1')]);
    await until(() => undone.includes('case-1'), { what: 'execution undoes while intake holds its locks' });
    expect(await (await house.store('execution')).query('SELECT made FROM outbox_days()')).toHaveLength(1);
    // What the relay of Kafka asks for.
    expect(await (await house.store('execution')).query(`SELECT name FROM turn WHERE name = 'relay' FOR UPDATE SKIP LOCKED`)).toHaveLength(
      1,
    );
    await attacker.query('ROLLBACK');
  });

  it('wait for a lock that execution itself holds: then it has no partitions until it is released', async () => {
    const own = new pg.Client({ connectionString: house.database.urls.execution });
    await own.connect();
    await own.query(`BEGIN; INSERT INTO execution.turn (name) VALUES ('group execution')`);
    const undone: string[] = [];
    const engine = await house.engine(undoing(undone));
    const started = engine.start();
    await until(waiting, { what: 'execution waits for the turn of its group' });
    await house.send('revocation-scheduler', [due('case-1')]);
    expect(undone).toEqual([]);
    await own.query('ROLLBACK');
    await started;
    await until(() => undone.includes('case-1'), { what: 'execution undoes once the lock is released' });
    await own.end();
  });
});
