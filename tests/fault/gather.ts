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

/** Violations that disappear when events arrive: from an outbox on its topic (a relay takes at most 22 s), from a topic in the log. */
const temporary: readonly Rule[] = ['event-lost', 'event-unsent', 'event-invented', 'record-points-elsewhere', 'case-without-end'];

/**
 * Collects the evidence of a run and judges it. Waits until audit has consumed the topics: what is still missing then is lost.
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
  const collect = async (): Promise<{ readonly evidence: Evidence; readonly violations: readonly Violation[] }> => {
    await rm(file, { force: true });
    await stage.done('gita', ['audit', 'export', '--out', file], { quiet: true });
    const verified = await stage.cli('gita', ['audit', 'verify', file, '--checkpoint', run.checkpoint, '--keys', system.keys.trustFile], {
      quiet: true,
    });
    const log = readEntries(await readFile(file, 'utf8'));
    // Before the topics, because they must contain everything that is in an outbox now.
    const outbox = await witness.outbox();
    const evidence: Evidence = {
      verified: { ok: verified.code === 0, output: `${verified.stderr}${verified.stdout}`.slice(0, 2000) },
      log,
      topics: [...(await witness.read())],
      outbox,
      held: run.held,
      cases: run.recoveries.map(({ caseId }) => caseId).filter((caseId) => caseId !== ''),
      graceSeconds: run.graceSeconds,
    };
    return { evidence, violations: check(evidence) };
  };
  let collected = await collect();
  await until(
    async () => {
      if (!collected.violations.some(({ rule }) => temporary.includes(rule))) return true;
      collected = await collect();
      return false;
    },
    { what: 'audit has consumed the topics' },
  ).catch(() => undefined);
  return collected;
}
