/**
 * The Sigma rules that ship find in the topic for SIEMs what was planted and nothing beside it. A running audit writes the records, pySigma turns the
 * rules into SQL, SQLite runs it. Not tested here: Splunk, Elastic and Sentinel themselves, only that the rules convert for them.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OcsfEvent } from '@readmit/domain';
import { blockOf } from '@readmit/testing';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { parseAllDocuments } from 'yaml';
import { RunningAudit, type TimedDraft } from '../../apps/audit/test/running-audit.js';
import { pythonTools } from '../../tools/python-tools.mjs';
import { ago, closed, day, hour, lives, opened, refused, say, shown } from './planted-cases.js';

const folder = 'deploy/siem/sigma';
const files = globSync(`${folder}/**/*.yml`).sort();
const nameOf = (file: string): string => path.basename(file, '.yml');
const page = readFileSync('docs/siem.md', 'utf8');
const sigma = pythonTools('sigma');
if ('missing' in sigma) it.skip(`Sigma rules run over the topic for SIEMs: ${sigma.missing}`, () => {});

const minutes = (n: number): Date => ago(n * (hour / 60));
const caseIds = ['asked_1', 'asked_2', 'asked_3', 'asked_4', 'asked_5'];
/** TimedDraft after the lives of cases, all at once. */
const planted: readonly TimedDraft[] = [
  // Ada is denied three times in a week; pat as often, but not in one; erin less often.
  ...[6, 4, 1].flatMap((days) => denied(`ada_${days}`, 'ada', days)),
  ...[20, 8, 2].flatMap((days) => denied(`pat_${days}`, 'pat', days)),
  ...[3, 2].flatMap((days) => denied(`erin_${days}`, 'erin', days)),
  opened('erin_expired', 'erin', ago(day)),
  closed('erin_expired', 'expired', ago(day)),
  // Mallory asks for too much five times in an hour; dana four times, gita over a day, chidi for what is over already.
  refused('try', 'mallory', 'R4.2', 'approver-is-requester', minutes(50)),
  ...[40, 30, 20, 10].map((n) => refused('try', 'mallory', 'R4.3', 'approver-not-in-quorum', minutes(n))),
  ...[40, 30, 20, 10].map((n) => refused('try', 'dana', 'R4.3', 'approver-not-in-quorum', minutes(n))),
  ...[9, 7, 5, 3, 1].map((n) => refused('try', 'gita', 'R4.3', 'approver-not-in-quorum', ago(n * hour))),
  ...[50, 40, 30, 20, 10].map((n) => refused('try', 'chidi', 'R6.4', 'already-ended', minutes(n))),
  ...caseIds.map((caseId) => opened(caseId, 'ada')),
  // Boris looks at contacts of five cases, gita at those of one.
  ...caseIds.map((caseId, n) => shown(caseId, 'boris', minutes(50 - n * 10))),
  ...caseIds.map((_, n) => shown('asked_1', 'gita', minutes(50 - n * 10))),
  say('readmit.case.frozen', 'asked_1', { caseId: 'asked_1', by: 'ada', cause: 'repudiated' }),
  say('readmit.case.frozen', 'asked_2', { caseId: 'asked_2', by: 'demo-idp', cause: 'signal' }),
  say('readmit.incident.raised', 'asked_3', {
    caseId: 'asked_3',
    incidentId: 'incident_1',
    rule: 'R2.4',
    reason: 'over-restored',
    says: 'The target shows more than the plan.',
  }),
  say('readmit.policy.activated', 'policy', { version: 'v2', digest: '2'.repeat(64), document: {} }),
];
function denied(caseId: string, subject: string, days: number): TimedDraft[] {
  return [opened(caseId, subject, ago(days * day)), closed(caseId, 'denied', ago(days * day))];
}

/** For each rule the records that it finds, by audit code and case; of a rule that counts, for each finding whom and which records. */
const finds: Readonly<Record<string, readonly unknown[]>> = {
  readmit_own_request_refused: ['RC-490W try'],
  readmit_own_request_approved: ['RC-3005 stopped', 'RC-6003 own_request'],
  readmit_revocation_overdue: ['RC-5003 late', 'RC-6003 late', 'RC-6003 silent'],
  readmit_rule_bypassed: ['RC-6003 half_a_quorum', 'RC-6003 own_request'],
  readmit_case_repudiated: ['RC-1003 asked_1'],
  readmit_access_pulled_back: ['RC-5002 contained'],
  readmit_forged_message: ['RC-692W forged', 'RC-692W forged_and_discarded'],
  readmit_incident_raised: ['RC-3012W asked_3'],
  readmit_policy_changed: ['RC-2002 policy'],
  readmit_denied_recoveries: [{ 'unmapped.whose.subject.id': 'ada', of: ['RC-1006 ada_1', 'RC-1006 ada_4', 'RC-1006 ada_6'] }],
  readmit_refusals_of_one_actor: [{ 'actor.user.uid': 'mallory', of: Array.from({ length: 5 }, () => 'RC-490W try') }],
  readmit_contact_points_harvested: [{ 'actor.user.uid': 'boris', of: caseIds.map((caseId) => `RC-2004 ${caseId}`) }],
};

/** A record as a SIEM has it in columns: names with dots, lists as their JSON. */
function flat(value: object, under = ''): [string, SQLInputValue][] {
  return Object.entries(value).flatMap(([name, one]: [string, unknown]): [string, SQLInputValue][] => {
    if (typeof one === 'object' && one !== null && !Array.isArray(one)) return flat(one, `${under}${name}.`);
    const plain = typeof one === 'string' || typeof one === 'number' ? one : JSON.stringify(one);
    return [[`${under}${name}`, plain]];
  });
}
const textOf = (record: OcsfEvent): string => `${record.metadata.event_code} ${record.metadata.correlation_uid}`;

if (!('missing' in sigma))
  describe('the Sigma rules over what a running audit shows', () => {
    let records: readonly OcsfEvent[];
    let siem: DatabaseSync;
    let audit: RunningAudit;
    const sqlOf = new Map<string, string>();
    const { program } = sigma;
    const run = (...args: readonly string[]): string => {
      const done = spawnSync(sigma.python, [...args], { encoding: 'utf8', timeout: 60_000 });
      expect([done.status, done.stdout, done.stderr]).toEqual([0, expect.any(String), expect.any(String)]);
      return done.stdout;
    };
    const rows = (rule: string): readonly Record<string, unknown>[] => siem.prepare(sqlOf.get(rule) ?? `no rule ${rule}`).all();

    beforeAll(async () => {
      audit = await RunningAudit.open();
      const engine = await audit.start();
      let said = 0;
      const publish = async (records: ReturnType<RunningAudit['signed']>): Promise<void> => {
        await audit.publish(records);
        await audit.processed(engine, (said += records.length));
      };
      for (let step = 0; step < Math.max(...lives.map(({ length }) => length)); step += 1)
        await publish(audit.signed(lives.flatMap((one) => one[step] ?? [])));
      // The opening of a case comes before what is said of it on other topics.
      await publish(audit.signed(planted.filter(({ type }) => type === 'readmit.case.opened')));
      await publish(audit.signed(planted.filter(({ type }) => type !== 'readmit.case.opened')));
      const altered = audit
        .signed([closed('forged', 'denied', new Date()), closed('forged_and_discarded', 'denied', new Date())])
        .map((record) => ({ ...record, value: Buffer.from(record.value.toString('utf8').replace('denied', 'completed')) }));
      const unreadable = audit.signed([{ ...closed('unreadable', 'denied', new Date()), data: { caseId: 'unreadable' } } as TimedDraft]);
      await publish([...altered, ...unreadable]);
      const settled = (await engine.parked.list({})).find(({ key }) => key === 'forged_and_discarded');
      await engine.parked.settle(settled?.id ?? '', 'discard', 'olga');
      await engine.watch();
      await engine.stop();
      records = await audit.siemEvents();
      siem = new DatabaseSync(':memory:');
      const all = records.map((record) => new Map(flat(record)));
      const columns = [...new Set(all.flatMap((record) => [...record.keys()]))];
      // Sigma compares text without regard to case.
      siem.exec(`CREATE TABLE records (${columns.map((name) => `"${name}" COLLATE NOCASE`).join(', ')})`);
      const insert = siem.prepare(`INSERT INTO records VALUES (${columns.map(() => '?').join(', ')})`);
      for (const record of all) insert.run(...columns.map((name) => record.get(name) ?? null));
      const sql = JSON.parse(run('tests/siem/sigma-to-sql.py', folder)) as Record<string, string>;
      for (const [rule, text] of Object.entries(sql)) sqlOf.set(rule, text);
    }, 120_000);
    afterAll(async () => {
      siem?.close();
      await audit?.close();
    });

    it('R7.4 each rule has cases planted, and is told of in docs/siem.md', () => {
      expect(files.map(nameOf).sort()).toEqual(Object.keys(finds).sort());
      expect(files.filter((file) => !page.includes(`\`${nameOf(file).replace('readmit_', '')}\``))).toEqual([]);
    });

    it.each(files.map(nameOf))('R7.4 %s finds what was planted for it and nothing else', (rule) => {
      const byId = new Map(records.map((record) => [record.metadata.uid, textOf(record)]));
      const found = rows(rule).map((row) => {
        if (!('event_ids' in row)) return `${String(row['metadata.event_code'])} ${String(row['metadata.correlation_uid'])}`;
        const events = JSON.parse(String(row['event_ids'])) as string[];
        return { ...(JSON.parse(String(row['group_keys'])) as object), of: events.map((id) => byId.get(id.replace('0:', ''))).sort() };
      });
      expect(found.sort()).toEqual(finds[rule]);
    });

    it('R7.4 what was not taken back on time names who still has what', () => {
      const late = rows('readmit_revocation_overdue').filter((row) => row['metadata.event_code'] === 'RC-5003');
      expect(late).toMatchObject([
        {
          'unmapped.whose.subject.id': 'erin',
          'unmapped.whose.what': JSON.stringify([
            { kind: 'role.revoke', connector: 'target-postgres', object: 'erin', entitlement: 'admin' },
          ]),
          'unmapped.whose.approvers': '["chidi","dana"]',
        },
      ]);
    });

    it.each(files)('R7.4 every field that %s shows is one that records have', (file) => {
      const columns = siem
        .prepare('SELECT name FROM pragma_table_info(?)')
        .all('records')
        .map(({ name }) => name);
      for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
        const { fields = [] } = document.toJS() as { fields?: string[] };
        expect(columns).toEqual(expect.arrayContaining(fields));
      }
    });

    it('R7.4 sigma check has nothing to say about them', () => {
      // These two fetch all of ATT&CK and D3FEND to look up the tags.
      const said = run(program('sigma'), 'check', '--fail-on-issues', '-x', 'attacktag', '-x', 'd3_fendtag', folder);
      expect(said).toContain('Found 0 errors, 0 condition errors and 0 issues.');
    });

    const single = files.filter((file) => !file.includes('correlation'));
    const commands = blockOf('docs/siem.md', 'Detection rules').trimEnd().split('\n');
    it.each([
      ['splunk', files, /^index="readmit" /],
      ['esql', files, /^from readmit-\* /],
      ['kusto', single, /^Readmit_CL\n\| where [^']+$/],
    ] as const)('R7.4 each is a search for %s, by the command of docs/siem.md', (target, of, begins) => {
      const [sigma, ...args] =
        commands
          .find((line) => line.includes(` -t ${target} `))
          ?.replace(/ +#.*/, '')
          .split(' ') ?? [];
      // As the shell does with a pattern.
      const searches = run(program(sigma ?? ''), ...args.flatMap((arg) => (arg.includes('*') ? globSync(arg) : arg)));
      const each = searches.trimEnd().split(/\n\n(?=index=|from |Readmit_CL)/);
      expect(each).toHaveLength(of.length);
      for (const search of each) expect(search).toMatch(begins);
    });
  });
