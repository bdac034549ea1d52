/** There are no import cycles: files in a cycle can only be understood, tested and moved together. Type imports count too. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const workspace = path.resolve(import.meta.dirname, '../..');
type Graph = ReadonlyMap<string, readonly string[]>;

/** Groups of files that reach each other, each sorted (Tarjan's strongly connected components). */
function cyclesIn(graph: Graph): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const low = (file: string): number => lowest.get(file) ?? Infinity;
  const visit = (file: string): void => {
    order.set(file, order.size);
    lowest.set(file, order.size - 1);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) visit(next);
      // Not on the stack: its group is complete, without this file.
      if (stack.includes(next)) lowest.set(file, Math.min(low(file), low(next)));
    }
    if (low(file) !== order.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1 || graph.get(file)?.includes(file)) cycles.push(group.sort());
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return cycles;
}

const sources = ['apps', 'libs', 'tests', 'bench', 'tools'].flatMap((folder) =>
  readdirSync(path.join(workspace, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.m?ts$|\.mjs$/.test(entry.name))
    .map((entry) => path.relative(workspace, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((file) => !/(^|\/)(dist|node_modules)\//.test(file) && !file.startsWith('tools/boundary-canary/')),
);
const known = new Set(sources);

/** The file that an import resolves to: a relative path, or the index of a package of the workspace. */
function fileOf(importer: string, specifier: string): string | undefined {
  const [, name] = /^@readmit\/([^/]+)$/.exec(specifier) ?? [];
  const candidates =
    name === undefined
      ? [path.posix.join(path.posix.dirname(importer), specifier)].flatMap((file) => [file, file.replace(/\.js$/, '.ts')])
      : [`libs/${name}/src/index.ts`, `apps/${name}/src/index.ts`];
  return candidates.find((file) => known.has(file));
}
const importsOf = (file: string): string[] =>
  ts
    .preProcessFile(readFileSync(path.join(workspace, file), 'utf8'), true, true)
    .importedFiles.flatMap(({ fileName }) => fileOf(file, fileName) ?? []);

describe('imports', () => {
  it('form no cycle', () => {
    const graph = new Map(sources.map((file) => [file, importsOf(file)]));
    // Otherwise nothing was read, and no cycle could be found.
    expect(graph.get('libs/runtime/src/engine.ts')).toEqual(
      expect.arrayContaining(['libs/runtime/src/transact.ts', 'libs/signing/src/index.ts']),
    );
    expect(cyclesIn(graph)).toEqual([]);
  });

  it('control: a cycle is found, and a file that two others import is not one', () => {
    const straight = { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] };
    expect(cyclesIn(new Map(Object.entries(straight)))).toEqual([]);
    expect(cyclesIn(new Map(Object.entries({ ...straight, d: ['a'] })))).toEqual([['a', 'b', 'c', 'd']]);
    expect(cyclesIn(new Map(Object.entries({ e: ['e'], ...straight, c: ['a'] })))).toEqual([['e'], ['a', 'c']]);
  });
});
