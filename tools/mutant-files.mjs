/** Reads the lists of mutants and reads and writes their records. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const folder = 'tests/mutants';
const killed = `${folder}/killed.json`;

/** The lists, for `readMutants`. */
export const readMutantFiles = (workspace) =>
  readdirSync(path.join(workspace, folder))
    .filter((name) => /^r\d+\.json$/.test(name))
    .sort((a, b) => Number(a.slice(1, -5)) - Number(b.slice(1, -5)))
    .map((name) => ({ name: `${folder}/${name}`, text: readFileSync(path.join(workspace, folder, name), 'utf8') }));

export const readRecords = (workspace) =>
  existsSync(path.join(workspace, killed)) ? JSON.parse(readFileSync(path.join(workspace, killed), 'utf8')) : [];

/** Formatted, so that the gate `format` passes. */
export async function writeRecords(workspace, records) {
  const { format } = await import('prettier');
  writeFileSync(path.join(workspace, killed), await format(JSON.stringify(records), { parser: 'json', printWidth: 140 }));
}

/** Every `*.spec.ts`, as a path from the root of the workspace. */
export const specFiles = (workspace) => ['apps', 'libs', 'tests'].flatMap((name) => specsBelow(workspace, name)).sort();

function specsBelow(workspace, below) {
  return readdirSync(path.join(workspace, below), { withFileTypes: true }).flatMap((entry) => {
    const file = `${below}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : specsBelow(workspace, file);
    return entry.name.endsWith('.spec.ts') ? [file] : [];
  });
}
