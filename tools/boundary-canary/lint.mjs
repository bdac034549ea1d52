/**
 * Lints the canaries with the rules of the repository and prints `{ "<canary>": ["<rule>: <message>", ...] }`.
 * The first line of each canary is the path that it pretends to have. The `typed` ones are linted where they are,
 * because type-aware rules only check files that exist.
 */
import { createProjectGraphAsync } from '@nx/devkit';
import { ESLint } from 'eslint';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import tseslint from 'typescript-eslint';

process.env.NX_DAEMON = 'false';
const here = import.meta.dirname;
const workspace = path.resolve(here, '../..');
await createProjectGraphAsync({ exitOnError: true });

const untyped = new ESLint({ cwd: workspace, overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }] });
const typed = new ESLint({ cwd: workspace, ignore: false });
// Only the first line of a message: nx appends lists of files that grow with the repository.
const messagesOf = (results) =>
  results.flatMap((result) => result.messages.map((one) => `${one.ruleId ?? 'eslint'}: ${one.message.split('\n')[0]}`));

const found = {};
for (const name of readdirSync(here)
  .filter((file) => file.endsWith('.ts'))
  .sort()) {
  const text = readFileSync(path.join(here, name), 'utf8');
  const at = /^\/\/ at: (\S+)\n/.exec(text)?.[1];
  if (!at) throw new Error(`${name}: the first line must be the path of the canary: "// at: libs/domain/src/canary.ts"`);
  found[name.replace(/\.ts$/, '')] = messagesOf(await untyped.lintText(text, { filePath: path.join(workspace, at) }));
}
for (const name of readdirSync(path.join(here, 'typed'))
  .filter((file) => file.endsWith('.ts'))
  .sort()) {
  found[`typed/${name.replace(/\.ts$/, '')}`] = messagesOf(await typed.lintFiles([path.join(here, 'typed', name)]));
}
process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
