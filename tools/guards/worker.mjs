/**
 * Runs specs with one guard switched off, again and again in one process: starting jest costs more than most specs. Told by its parent
 * `{ guard, specs }`, it answers `{ running }` before each spec, and last `{ guard, noticedBy }`: the first spec that fails, or null.
 */
import { runCLI } from 'jest';

process.on('message', async ({ config, rootDir, guard, specs }) => {
  process.env.READMIT_GUARD = String(guard);
  let noticedBy = null;
  // One at a time and without jest's `bail`, which would end the process.
  for (const spec of specs) {
    process.send({ running: spec });
    const { results } = await runCLI(
      { _: [spec], $0: 'jest', config, runTestsByPath: true, runInBand: true, silent: true, reporters: [] },
      [rootDir],
    );
    if (results.success) continue;
    const failed = results.testResults.flatMap((file) => file.testResults.filter(({ status }) => status === 'failed'));
    noticedBy = { spec, title: failed[0]?.fullName ?? 'the spec cannot be loaded' };
    break;
  }
  process.send({ guard, noticedBy });
});
