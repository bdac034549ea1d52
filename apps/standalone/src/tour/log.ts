import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Stage } from './stage.js';
import type { System } from '../system.js';

/** The log verifies offline; copies that were changed do not, and the verifier says where and why. */
export async function theLogVerifies(stage: Stage, system: System, cases: readonly string[], part: number): Promise<void> {
  stage.title(`${part}. The log`);
  const folder = path.join(system.stateDir, 'exports');
  await rm(folder, { recursive: true, force: true });
  const at = (name: string): string => path.join(folder, name);
  await mkdir(folder, { recursive: true });
  const checkpoint = await stage.done('gita', ['audit', 'checkpoint', '--save', at('seen.checkpoint')]);
  await stage.done('gita', ['audit', 'export', '--out', at('log.ndjson')]);
  const verify = (file: string): ReturnType<Stage['cli']> =>
    stage.cli('gita', ['audit', 'verify', at(file), '--checkpoint', at('seen.checkpoint'), '--keys', system.keys.trustFile]);
  const honest = await verify('log.ndjson');
  stage.check(
    `the export verifies offline: ${String((honest.json as { size?: number } | undefined)?.size ?? '?')} entries, checkpoint of size ${String(checkpoint['size'])}`,
    honest.code === 0,
    `${honest.stdout}${honest.stderr}`.slice(0, 600),
  );

  const lines = (await readFile(at('log.ndjson'), 'utf8')).split('\n').filter((line) => line !== '');
  const entries = lines.map((line, index) => ({ line, index })).filter(({ line }) => 'entry' in (JSON.parse(line) as object));
  stage.check(
    'every case of the tour is in it',
    cases.every((caseId) => entries.some(({ line }) => line.includes(caseId))),
  );
  const middle = entries[Math.floor(entries.length / 2)];
  const next = entries[Math.floor(entries.length / 2) + 1];
  if (!middle || !next) throw new Error('the log is too short');
  const flipped = JSON.parse(middle.line) as { value: string };
  const bytes = Buffer.from(flipped.value, 'base64');
  bytes[bytes.length - 2] = (bytes[bytes.length - 2] ?? 0) ^ 1;
  const tampered: Readonly<Record<string, readonly string[]>> = {
    'one flipped byte': lines.with(middle.index, JSON.stringify({ ...flipped, value: bytes.toString('base64') })),
    'one row missing': lines.toSpliced(middle.index, 1),
    'two rows swapped': lines.with(middle.index, next.line).with(next.index, middle.line),
    'cut at the end': lines
      .filter((line) => !('entry' in (JSON.parse(line) as object)))
      .toSpliced(1, 0, ...entries.slice(0, -5).map(({ line }) => line)),
  };
  for (const [what, copy] of Object.entries(tampered)) {
    const file = `${what.replaceAll(' ', '-')}.ndjson`;
    await writeFile(at(file), `${copy.join('\n')}\n`);
    const found = await verify(file);
    const why = firstFinding(found.json) ?? `${found.stdout}${found.stderr}`.trim().split('\n')[0] ?? '';
    stage.check(`a copy with ${what} does not: ${why}`, found.code === 3, `exit ${found.code}`);
  }
}

function firstFinding(json: unknown): string | undefined {
  const finding = (json as { findings?: readonly { index?: number; where?: string; why?: string }[] } | undefined)?.findings?.[0];
  return finding && `${finding.where ?? `entry ${finding.index ?? '?'}`}: ${finding.why ?? ''}`;
}
