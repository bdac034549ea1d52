/** Where mutants and their records lie, for the programs that read and write them. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const folder = 'tests/mutants';
const killed = `${folder}/killed.json`;

/** The lists, as `readMutants` takes them. */
export const readMutantFiles = (house) =>
  readdirSync(path.join(house, folder))
    .filter((name) => /^r\d+\.json$/.test(name))
    .sort((a, b) => Number(a.slice(1, -5)) - Number(b.slice(1, -5)))
    .map((name) => ({ name: `${folder}/${name}`, text: readFileSync(path.join(house, folder, name), 'utf8') }));

export const readRecords = (house) =>
  existsSync(path.join(house, killed)) ? JSON.parse(readFileSync(path.join(house, killed), 'utf8')) : [];

/** In the house's format, so that the gate `format` has nothing to say. */
export async function writeRecords(house, records) {
  const { format } = await import('prettier');
  writeFileSync(path.join(house, killed), await format(JSON.stringify(records), { parser: 'json', printWidth: 140 }));
}

/** Every `*.spec.ts` of the house, by path from its root. */
export const specsOfHouse = (house) => ['apps', 'libs', 'tests'].flatMap((name) => specsBelow(house, name)).sort();

function specsBelow(house, below) {
  return readdirSync(path.join(house, below), { withFileTypes: true }).flatMap((entry) => {
    const file = `${below}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : specsBelow(house, file);
    return entry.name.endsWith('.spec.ts') ? [file] : [];
  });
}
