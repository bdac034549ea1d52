/** The whole build: every project by nx (tools/build.mjs), then the programs in few files (tools/bundle.mjs). */
import { bundlePrograms } from './bundle.mjs';
import { runOnTerminal, wasStopped } from './children.mjs';

const args = ['node_modules/nx/dist/bin/nx.js', 'run-many', '-t', 'build', '--parallel=2', '--output-style=static'];
process.exitCode = await runOnTerminal(process.execPath, args, { env: { ...process.env, NX_DAEMON: 'false' } });
if (process.exitCode === 0 && !wasStopped()) await bundlePrograms();
