/**
 * Lints the canaries with the rules of the house and prints `{ "<canary>": ["<rule>: <message>", ...] }`.
 * Each canary says in its first line where in the house it pretends to stand. The `typed` ones stand where they are,
 * because type-aware rules look only at files that exist.
 */
import { createProjectGraphAsync } from '@nx/devkit';
import { ESLint } from 'eslint';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import tseslint from 'typescript-eslint';

process.env.NX_DAEMON = 'false';
const here = import.meta.dirname;
const house = path.resolve(here, '../..');
await createProjectGraphAsync({ exitOnError: true });

const untyped = new ESLint({ cwd: house, overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }] });
const typed = new ESLint({ cwd: house, ignore: false });
// Only the first line of a message: nx appends lists of files that grow with the house.
const said = (results) =>
  results.flatMap((result) => result.messages.map((one) => `${one.ruleId ?? 'eslint'}: ${one.message.split('\n')[0]}`));

const found = {};
for (const name of readdirSync(here)
  .filter((file) => file.endsWith('.ts'))
  .sort()) {
  const text = readFileSync(path.join(here, name), 'utf8');
  const at = /^\/\/ at: (\S+)\n/.exec(text)?.[1];
  if (!at) throw new Error(`${name}: the first line must say where the canary stands: "// at: libs/domain/src/canary.ts"`);
  found[name.replace(/\.ts$/, '')] = said(await untyped.lintText(text, { filePath: path.join(house, at) }));
}
for (const name of readdirSync(path.join(here, 'typed'))
  .filter((file) => file.endsWith('.ts'))
  .sort()) {
  found[`typed/${name.replace(/\.ts$/, '')}`] = said(await typed.lintFiles([path.join(here, 'typed', name)]));
}
process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
