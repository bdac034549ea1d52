/**
 * Writes docs/generated/asyncapi.json from the built contracts and the golden samples, and docs/events.md from that document:
 * `node tools/generate-asyncapi.mjs [file]` after a build; with a file, only that one.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asyncapi } from '@readmit/contracts';
import { format, resolveConfig } from 'prettier';
import { eventsPage } from './events-page.mjs';

const workspace = path.resolve(import.meta.dirname, '..');
const folder = path.join(workspace, 'libs/contracts/samples');
const samples = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
const document = JSON.parse(JSON.stringify(asyncapi(samples)));

const files = {
  'docs/generated/asyncapi.json': () => `${JSON.stringify(document, null, 2)}\n`,
  async 'docs/events.md'() {
    const file = path.join(workspace, 'docs/events.md');
    return format(eventsPage(document), { ...(await resolveConfig(file)), filepath: file });
  },
};

const wanted = process.argv[2];
if (wanted !== undefined && !Object.hasOwn(files, wanted)) {
  process.stderr.write(`error: this does not generate ${wanted}, only ${Object.keys(files).join(', ')}\n`);
  process.exit(2);
}
for (const [file, make] of Object.entries(files)) {
  if (wanted !== undefined && wanted !== file) continue;
  writeFileSync(path.join(workspace, file), await make());
  process.stdout.write(`${file} is up to date\n`);
}
