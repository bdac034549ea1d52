/**
 * Fails when a generated file is not what its generator makes today. A generator is run on the real file, and what it changed
 * is put back: a test must not repair what it complains about.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const house = path.resolve(import.meta.dirname, '..');
/** Contracts and domain must be built: all but the first generator read them as the services do. */
const generators = [
  ...['docs/generated/requirements.md', 'docs/generated/where-rules-are.md'].map((file) => ({
    file,
    args: ['tools/requirements.mjs', '--write'],
    remedy: 'node tools/requirements.mjs --write',
  })),
  { file: 'docs/generated/openapi.json', args: ['tools/generate-openapi.mjs'], remedy: 'npm run build && node tools/generate-openapi.mjs' },
  ...['docs/generated/topics.md', 'deploy/kafka/topics-and-acls.sh'].map((file) => ({
    file,
    args: ['tools/generate-topology.mjs', file],
    remedy: `npm run build && node tools/generate-topology.mjs ${file}`,
  })),
  { file: 'docs/generated/siem-events.md', args: ['tools/generate-siem.mjs'], remedy: 'npm run build && node tools/generate-siem.mjs' },
  ...['docs/generated/asyncapi.json', 'docs/events.md'].map((file) => ({
    file,
    args: ['tools/generate-asyncapi.mjs', file],
    remedy: 'npm run build && node tools/generate-asyncapi.mjs',
  })),
];

for (const { file, args, remedy } of generators) {
  const target = path.join(house, file);
  const before = existsSync(target) ? readFileSync(target) : undefined;
  const done = spawnSync(process.execPath, args, { cwd: house, encoding: 'utf8' });
  const after = existsSync(target) ? readFileSync(target) : undefined;
  if (before === undefined) rmSync(target, { force: true });
  else writeFileSync(target, before);
  if (done.status !== 0) {
    process.stderr.write(`error: the generator of ${file} failed:\n${done.stdout}${done.stderr}`);
    process.exitCode = 1;
  } else if (before === undefined || after === undefined || !before.equals(after)) {
    process.stderr.write(`error: ${file} is not up to date: run "${remedy}" and commit the file\n`);
    process.exitCode = 1;
  }
}
