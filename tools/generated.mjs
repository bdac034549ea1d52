/**
 * Fails if a generated file differs from the output of its generator. The generator runs on the real files, which are then restored: a test
 * must not fix what it reports.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const workspace = path.resolve(import.meta.dirname, '..');
/** Contracts and domain must be built: all but the first generator import them. */
const generators = [
  {
    files: ['docs/generated/requirements.md', 'docs/generated/where-rules-are.md'],
    args: ['tools/requirements.mjs', '--write'],
    remedy: 'npm run requirements',
  },
  {
    files: ['docs/generated/openapi.json'],
    args: ['tools/generate-openapi.mjs'],
    remedy: 'npm run build && node tools/generate-openapi.mjs',
  },
  ...['docs/generated/topics.md', 'deploy/kafka/topics-and-acls.sh'].map((file) => ({
    files: [file],
    args: ['tools/generate-topology.mjs', file],
    remedy: `npm run build && node tools/generate-topology.mjs ${file}`,
  })),
  {
    files: ['docs/generated/siem-events.md'],
    args: ['tools/generate-siem.mjs'],
    remedy: 'npm run build && node tools/generate-siem.mjs',
  },
  {
    files: ['docs/generated/asyncapi.json', 'docs/events.md'],
    args: ['tools/generate-asyncapi.mjs'],
    remedy: 'npm run build && node tools/generate-asyncapi.mjs',
  },
];

const read = (file) => (existsSync(file) ? readFileSync(file) : undefined);
const fail = (message) => {
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = 1;
};

for (const { files, args, remedy } of generators) {
  const targets = files.map((file) => ({ file, place: path.join(workspace, file), before: read(path.join(workspace, file)) }));
  const done = spawnSync(process.execPath, args, { cwd: workspace, encoding: 'utf8' });
  for (const { file, place, before } of targets) {
    const after = read(place);
    if (before === undefined) rmSync(place, { force: true });
    else writeFileSync(place, before);
    if (done.status === 0 && (before === undefined || after === undefined || !before.equals(after)))
      fail(`${file} is not up to date: run "${remedy}" and commit the file`);
  }
  if (done.status !== 0) fail(`the generator of ${files.join(' and ')} failed:\n${done.stdout}${done.stderr}`);
}
