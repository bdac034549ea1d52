/**
 * Runs specs with one guard switched off, many times in one process: starting jest takes longer than most specs. Its parent sends
 * `{ guard, specs }`; it replies with `{ running }` before each spec, and finally with `{ guard, noticedBy }`: the first spec that fails, or null.
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
