import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { until } from '@readmit/testing';
import { check, type Entry, type Evidence, type Held, type Violation } from './checker.js';
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
    const evidence: Evidence = {
      verified: { ok: verified.code === 0, says: `${verified.stderr}${verified.stdout}`.slice(0, 2000) },
      log,
      topics: await witness.look(),
      held: run.held,
      cases: run.recoveries.map(({ caseId }) => caseId).filter((caseId) => caseId !== ''),
      graceSeconds: run.graceSeconds,
    };
    return { evidence, violations: check(evidence) };
  };
  let taken = await take();
  await until(
    async () => {
      if (!taken.violations.some(({ rule }) => rule === 'event-lost' || rule === 'case-without-end')) return true;
      taken = await take();
      return false;
    },
    { what: 'audit has heard what the topics have', timeoutMs: 20_000 },
  ).catch(() => undefined);
  return taken;
}
