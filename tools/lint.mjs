/**
 * Lints everything: first the words in the documentation, then nx creates its project graph, which the boundary rules need, then eslint
 * checks all code. One eslint process instead of one per project, because each would load the types of all projects again.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { wordsInDocuments } from './eslint/words.mjs';

const workspace = path.resolve(import.meta.dirname, '..');
const bin = (name) => path.join(workspace, 'node_modules', name);
const env = { ...process.env, NX_DAEMON: 'false' };

const refused = wordsInDocuments(workspace);
if (refused.length > 0) {
  process.stderr.write(`${refused.join('\n')}\nThe list of words and their replacements: tools/eslint/words.mjs.\n`);
  process.exit(1);
}

const steps = [
  { args: [bin('nx/dist/bin/nx.js'), 'graph', '--file=.nx/graph.json'], quiet: true },
  { args: [bin('eslint/bin/eslint.js'), '.', '--max-warnings=0', ...process.argv.slice(2)] },
];
for (const { args, quiet } of steps) {
  const done = spawnSync(process.execPath, args, {
    cwd: workspace,
    env,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    encoding: 'utf8',
  });
  if (done.status === 0) continue;
  if (quiet) process.stderr.write(`${done.stdout}${done.stderr}nx could not create the project graph, which the boundary rules need.\n`);
  process.exit(done.status ?? 1);
}
