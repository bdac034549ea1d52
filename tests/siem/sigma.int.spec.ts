/**
 * The Sigma rules in deploy/siem find in the topic for SIEMs exactly what was planted. A running audit writes the records, pySigma converts the
 * rules to SQL, SQLite runs it. For Splunk, Elastic and Sentinel this only tests that the rules can be converted.
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
import { ago, closed, day, hour, lives, opened, refused, shown, timed } from './planted-cases.js';

const folder = 'deploy/siem/sigma';
const files = globSync(`${folder}/**/*.yml`).sort();
const nameOf = (file: string): string => path.basename(file, '.yml');
const page = readFileSync('docs/siem.md', 'utf8');
const sigma = pythonTools('sigma');
if ('missing' in sigma) it.skip(`Sigma rules run over the topic for SIEMs: ${sigma.missing}`, () => {});

const minutes = (n: number): Date => ago(n * (hour / 60));
const caseIds = ['asked_1', 'asked_2', 'asked_3', 'asked_4', 'asked_5'];
/** Events that are published together, after those of the planted cases. */
const planted: readonly TimedDraft[] = [
  // Ada is denied three times in a week, pat three times over a longer time, erin less often.
  ...[6, 4, 1].flatMap((days) => denied(`ada_${days}`, 'ada', days)),
  ...[20, 8, 2].flatMap((days) => denied(`pat_${days}`, 'pat', days)),
  ...[3, 2].flatMap((days) => denied(`erin_${days}`, 'erin', days)),
  opened('erin_expired', 'erin', ago(day)),
  closed('erin_expired', 'expired', ago(day)),
  // Mallory is refused five times in an hour, dana four times, gita over a day, chidi for a case that has ended.
  refused('try', 'mallory', 'R4.2', 'approver-is-requester', minutes(50)),
  ...[40, 30, 20, 10].map((n) => refused('try', 'mallory', 'R4.3', 'approver-not-in-quorum', minutes(n))),
  ...[40, 30, 20, 10].map((n) => refused('try', 'dana', 'R4.3', 'approver-not-in-quorum', minutes(n))),
  ...[9, 7, 5, 3, 1].map((n) => refused('try', 'gita', 'R4.3', 'approver-not-in-quorum', ago(n * hour))),
  ...[50, 40, 30, 20, 10].map((n) => refused('try', 'chidi', 'R6.4', 'already-ended', minutes(n))),
  ...caseIds.map((caseId) => opened(caseId, 'ada')),
  // Boris reads contacts in five cases, gita in one.
  ...caseIds.map((caseId, n) => shown(caseId, 'boris', minutes(50 - n * 10))),
  ...caseIds.map((_, n) => shown('asked_1', 'gita', minutes(50 - n * 10))),
  timed('readmit.case.frozen', 'asked_1', { caseId: 'asked_1', by: 'ada', cause: 'repudiated' }),
  timed('readmit.case.frozen', 'asked_2', { caseId: 'asked_2', by: 'demo-idp', cause: 'signal' }),
  timed('readmit.incident.raised', 'asked_3', {
    caseId: 'asked_3',
    incidentId: 'incident_1',
    rule: 'R2.4',
    reason: 'over-restored',
    says: 'The target shows more than the plan.',
  }),
  ...(['more', 'less'] as const).map((power, n) =>
    timed('readmit.finding.raised', `asked_${n + 1}`, {
      caseId: `asked_${n + 1}`,
      findingId: `finding_${n + 1}`,
      connector: 'ledger',
      object: 'erin',
      facet: 'erin/role/app_admin',
      was: power === 'more' ? 'absent' : 'granted-by-us',
      is: power === 'more' ? 'standing' : 'absent',
      power,
    }),
  ),
  timed('readmit.policy.activated', 'policy', { version: 'v2', digest: '2'.repeat(64), document: {} }),
];
function denied(caseId: string, subject: string, days: number): TimedDraft[] {
  return [opened(caseId, subject, ago(days * day)), closed(caseId, 'denied', ago(days * day))];
}

/** The findings of each rule: records by audit code and case; for a rule that counts, also the group. */
const finds: Readonly<Record<string, readonly unknown[]>> = {
  readmit_own_request_refused: ['RC-490W try'],
  readmit_own_request_approved: ['RC-3005 stopped', 'RC-6003 own_request'],
  readmit_revocation_overdue: ['RC-5003 late', 'RC-6003 late', 'RC-6003 silent'],
  readmit_rule_bypassed: ['RC-6003 half_a_quorum', 'RC-6003 own_request'],
  readmit_case_repudiated: ['RC-1003 asked_1'],
  readmit_access_pulled_back: ['RC-5002 contained'],
  readmit_forged_message: ['RC-692W forged', 'RC-692W forged_and_discarded'],
  readmit_incident_raised: ['RC-3012W asked_3'],
  readmit_finding_raised: ['RC-3013W asked_1'],
  readmit_policy_changed: ['RC-2002 policy'],
  readmit_denied_recoveries: [{ 'unmapped.whose.subject.id': 'ada', of: ['RC-1006 ada_1', 'RC-1006 ada_4', 'RC-1006 ada_6'] }],
  readmit_refusals_of_one_actor: [{ 'actor.user.uid': 'mallory', of: Array.from({ length: 5 }, () => 'RC-490W try') }],
  readmit_contact_points_harvested: [{ 'actor.user.uid': 'boris', of: caseIds.map((caseId) => `RC-2004 ${caseId}`) }],
};

/** A record as columns in a SIEM: names with dots, lists as JSON. */
function flat(value: object, under = ''): [string, SQLInputValue][] {
  return Object.entries(value).flatMap(([name, one]: [string, unknown]): [string, SQLInputValue][] => {
    if (typeof one === 'object' && one !== null && !Array.isArray(one)) return flat(one, `${under}${name}.`);
    const plain = typeof one === 'string' || typeof one === 'number' ? one : JSON.stringify(one);
    return [[`${under}${name}`, plain]];
  });
}
const textOf = (record: OcsfEvent): string => `${record.metadata.event_code} ${record.metadata.correlation_uid}`;

if (!('missing' in sigma))
  describe('the Sigma rules on the records of a running audit', () => {
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
      let published = 0;
      const publish = async (records: ReturnType<RunningAudit['signed']>): Promise<void> => {
        await audit.publish(records);
        await audit.processed(engine, (published += records.length));
      };
      for (let step = 0; step < Math.max(...lives.map(({ length }) => length)); step += 1)
        await publish(audit.signed(lives.flatMap((one) => one[step] ?? [])));
      // Events that open cases come before their events on other topics.
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
      // Sigma rules are case-insensitive.
      siem.exec(`CREATE TABLE records (${columns.map((name) => `"${name}" COLLATE NOCASE`).join(', ')})`);
      const insert = siem.prepare(`INSERT INTO records VALUES (${columns.map(() => '?').join(', ')})`);
      for (const record of all) insert.run(...columns.map((name) => record.get(name) ?? null));
      const sql = JSON.parse(run('tests/siem/sigma-to-sql.py', folder)) as Record<string, string>;
      for (const [rule, text] of Object.entries(sql)) sqlOf.set(rule, text);
    });
    afterAll(async () => {
      siem?.close();
      await audit?.close();
    });

    it('R7.4 each rule has planted cases, and is described in docs/siem.md', () => {
      expect(files.map(nameOf).sort()).toEqual(Object.keys(finds).sort());
      expect(files.filter((file) => !page.includes(`\`${nameOf(file).replace('readmit_', '')}\``))).toEqual([]);
    });

    it.each(files.map(nameOf))('R7.4 %s finds exactly what was planted for it', (rule) => {
      const byId = new Map(records.map((record) => [record.metadata.uid, textOf(record)]));
      const found = rows(rule).map((row) => {
        if (!('event_ids' in row)) return `${String(row['metadata.event_code'])} ${String(row['metadata.correlation_uid'])}`;
        const events = JSON.parse(String(row['event_ids'])) as string[];
        return { ...(JSON.parse(String(row['group_keys'])) as object), of: events.map((id) => byId.get(id.replace('0:', ''))).sort() };
      });
      expect(found.sort()).toEqual(finds[rule]);
    });

    it('R7.4 an undo that is late names who still has what', () => {
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

    it.each(files)('R7.4 records have every field that %s shows', (file) => {
      const columns = siem
        .prepare('SELECT name FROM pragma_table_info(?)')
        .all('records')
        .map(({ name }) => name);
      for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
        const { fields = [] } = document.toJS() as { fields?: string[] };
        expect(columns).toEqual(expect.arrayContaining(fields));
      }
    });

    it('R7.4 sigma check finds nothing', () => {
      // These two checks would download all of ATT&CK and D3FEND.
      const output = run(program('sigma'), 'check', '--fail-on-issues', '-x', 'attacktag', '-x', 'd3_fendtag', folder);
      expect(output).toContain('Found 0 errors, 0 condition errors and 0 issues.');
    });

    const single = files.filter((file) => !file.includes('correlation'));
    const commands = blockOf('docs/siem.md', 'Detection rules').trimEnd().split('\n');
    it.each([
      ['splunk', files, /^index="readmit" /],
      ['esql', files, /^from readmit-\* /],
      ['kusto', single, /^Readmit_CL\n\| where [^']+$/],
    ] as const)('R7.4 each can be converted for %s with the command in docs/siem.md', (target, of, begins) => {
      const [sigma, ...args] =
        commands
          .find((line) => line.includes(` -t ${target} `))
          ?.replace(/ +#.*/, '')
          .split(' ') ?? [];
      // Expands patterns like a shell.
      const searches = run(program(sigma ?? ''), ...args.flatMap((arg) => (arg.includes('*') ? globSync(arg) : arg)));
      const each = searches.trimEnd().split(/\n\n(?=index=|from |Readmit_CL)/);
      expect(each).toHaveLength(of.length);
      for (const search of each) expect(search).toMatch(begins);
    });
  });
