/** Where the time of one slice goes: node by sampling, PostgreSQL by what each statement took. */
import { readdir, readFile, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import type { Arena } from './arena.js';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}
interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The first that fits a frame or one of its callers names the area; a frame that fits none belongs to its caller's. */
const areas: readonly (readonly [string, RegExp])[] = [
  ['garbage collection', /^\(garbage collector\)/],
  ['idle', /^\((idle|root)\)/],
  ['verifying records', /^verifyRecord |^checkSignature /],
  ['signing', /^sign .*signer\.js/],
  ['the log (audit)', /dist\/apps\/audit\/|^append .*append-to-log/],
  ['writing events (schema, JSON)', /^write .*pass\.js|^schemaViolation /],
  ['fetching and topics', /\/bus\/.*(embedded|kafka)\//],
  ['rules of the services', /\/domain\/|dist\/apps\//],
  ['keeping (rows to JSON)', /^keep .*transact\.js|^touch .*transact\.js/],
  ['engine', /\/bus\//],
  ['people and directory of the benchmark', /\/bench\//],
  ['driver of PostgreSQL', /node_modules\/(pg|pg-protocol|pg-pool|pg-types|typeorm|postgres-[a-z]+)\//],
  ['client of Kafka', /node_modules\/kafkajs\//],
  ['sockets', /node:(net|internal\/stream_base_commons|internal\/streams)/],
];
const top = 22;

export async function profileSlice(arena: Arena, program: string, cases: number): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-profile-'));
  try {
    arena.flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
    let statements = '';
    const slice = await arena.slice(program, { cases }, async (client) => {
      statements = await statementsOf(client, cases);
    });
    await arena.dismiss();
    const [file] = await readdir(folder);
    if (file === undefined) throw new Error('node wrote no profile');
    const node = nodeOf(JSON.parse(await readFile(path.join(folder, file), 'utf8')) as CpuProfile);
    const { measured, failed } = slice;
    const says = measured
      ? `${cases} cases, ${((measured.nodeCpu * 1000) / cases).toFixed(1)} ms node and ${((measured.databaseCpu * 1000) / cases).toFixed(1)} ms PostgreSQL a case`
      : '';
    return [failed === undefined ? says : `FAILED ${failed}`, node, statements].join('\n\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function nodeOf({ nodes, samples, timeDeltas }: CpuProfile): string {
  const parents = new Map<number, number>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const { id, children } of nodes) for (const child of children ?? []) parents.set(child, id);
  const labelOf = ({ callFrame: { functionName, url } }: ProfileNode): string =>
    `${functionName || '(anonymous)'} ${url.replace(/^.*\/(?=(dist|node_modules|libs|bench)\/)/, '')}`;
  const areaOf = new Map<number, string>();
  const area = (id: number): string => {
    const known = areaOf.get(id);
    if (known !== undefined) return known;
    const node = byId.get(id);
    const label = node ? labelOf(node) : '';
    const parent = parents.get(id);
    const above = parent === undefined ? 'the rest' : area(parent);
    const own = areas.find(([, pattern]) => pattern.test(label))?.[0];
    // What verifying, signing or a rule calls is its own.
    const keeps = areas.findIndex(([name]) => name === above);
    const found = own === undefined || (keeps >= 2 && keeps <= 5 && own !== 'garbage collection') ? above : own;
    areaOf.set(id, found);
    return found;
  };
  const byArea = new Map<string, number>();
  const byFrame = new Map<string, number>();
  let all = 0;
  samples.forEach((id, at) => {
    const spent = timeDeltas[at] ?? 0;
    const where = area(id);
    if (where === 'idle') return;
    all += spent;
    byArea.set(where, (byArea.get(where) ?? 0) + spent);
    const node = byId.get(id);
    const label = node ? labelOf(node) : '';
    byFrame.set(label, (byFrame.get(label) ?? 0) + spent);
  });
  const list = (of: ReadonlyMap<string, number>, most: number): string =>
    [...of]
      .sort(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([name, spent]) => `${((spent / all) * 100).toFixed(1).padStart(5)} %  ${name}`)
      .join('\n');
  return `node, by area:\n${list(byArea, 20)}\n\nnode, by function itself:\n${list(byFrame, top * 2)}`;
}

async function statementsOf(client: pg.Client, cases: number): Promise<string> {
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  const { rows } = await client.query<{ role: string; toplevel: boolean; query: string; calls: string; ms: number; rows: string }>(
    `SELECT r.rolname AS role, s.toplevel, regexp_replace(s.query, '\\s+', ' ', 'g') AS query, s.calls, s.total_exec_time + s.total_plan_time AS ms, s.rows
     FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = current_database() AND s.query NOT ILIKE 'CREATE %' ORDER BY ms DESC LIMIT ${top}`,
  );
  const lines = rows.map(
    ({ role, toplevel, query, calls, ms, rows: count }) =>
      `${(ms / cases).toFixed(3).padStart(7)} ms  ${(Number(calls) / cases).toFixed(2).padStart(6)} calls  ${(Number(count) / cases).toFixed(1).padStart(6)} rows  ${toplevel ? '' : '(inner) '}${role.replace('readmit_', '')}: ${query.slice(0, 110)}`,
  );
  return `PostgreSQL, a case (time of statements, waits included; inner ones are part of the outer):\n${lines.join('\n')}`;
}
