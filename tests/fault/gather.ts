import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { until } from '@readmit/testing';
import { check, type Entry, type Evidence, type Held, type Rule, type Violation } from './checker.js';
import type { Recovery, World } from './recoveries.js';

interface Row {
  readonly index: number;
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

/** The entries of an export. */
export function readEntries(text: string): readonly Entry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Partial<Row>)
    .filter((row): row is Row => typeof row.index === 'number')
    .map(({ index, topic, key, headers, value }) => ({
      index,
      topic,
      key,
      id: headers['ce_id'] ?? '',
      type: headers['ce_type'] ?? '',
      at: headers['ce_time'] ?? '',
      data: JSON.parse(Buffer.from(value, 'base64').toString('utf8')) as Entry['data'],
    }));
}

/** What is found while something is still on its way: from an outbox to its topic (a relay comes in 22 s at the latest), from a topic into the log. */
const mayCome: readonly Rule[] = ['event-lost', 'event-unsent', 'event-invented', 'record-points-elsewhere', 'case-without-end'];

/**
 * Takes what the run left behind and judges it. Waits until audit has heard what the topics have: what is then still missing is lost.
 */
export async function judge(
  world: World,
  run: {
    readonly recoveries: readonly Recovery[];
    readonly held: readonly Held[];
    readonly checkpoint: string;
    readonly graceSeconds: number;
  },
): Promise<{ readonly evidence: Evidence; readonly violations: readonly Violation[] }> {
  const { stage, system, witness } = world;
  const file = path.join(system.stateDir, 'log.ndjson');
  const take = async (): Promise<{ readonly evidence: Evidence; readonly violations: readonly Violation[] }> => {
    await rm(file, { force: true });
    await stage.done('gita', ['audit', 'export', '--out', file], { quiet: true });
    const verified = await stage.cli('gita', ['audit', 'verify', file, '--checkpoint', run.checkpoint, '--keys', system.keys.trustFile], {
      quiet: true,
    });
    const log = readEntries(await readFile(file, 'utf8'));
    // Before the topics: what an outbox has now must be there then.
    const outbox = await witness.outbox();
    const evidence: Evidence = {
      verified: { ok: verified.code === 0, says: `${verified.stderr}${verified.stdout}`.slice(0, 2000) },
      log,
      topics: [...(await witness.look())],
      outbox,
      held: run.held,
      cases: run.recoveries.map(({ caseId }) => caseId).filter((caseId) => caseId !== ''),
      graceSeconds: run.graceSeconds,
    };
    return { evidence, violations: check(evidence) };
  };
  let taken = await take();
  await until(
    async () => {
      if (!taken.violations.some(({ rule }) => mayCome.includes(rule))) return true;
      taken = await take();
      return false;
    },
    { what: 'audit has heard what the topics have', timeoutMs: 40_000 },
  ).catch(() => undefined);
  return taken;
}
