/**
 * `npm test`: everything that must hold before a change is accepted. All gates run even if one fails, so that one run shows everything
 * that is wrong.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runCaptured, runOnTerminal, wasStopped } from './children.mjs';
import { withProgress } from './progress.mjs';

export const jestFlags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
export const buildArgs = ['tools/build-workspace.mjs'];

/** @param {{ workspace: string, node: string, env: NodeJS.ProcessEnv }} place @returns {Promise<number>} exit code */
export async function runGates(place) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'readmit-test-'));
  const report = path.join(scratch, 'jest.json');
  // The gates in one object run at the same time.
  const gates = [
    {
      format: ['node_modules/prettier/bin/prettier.cjs', '--check', '.'],
      types: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
      lint: ['tools/lint.mjs'],
    },
    { build: buildArgs },
    { 'generated files': ['tools/generated.mjs'] },
    // Checks that specs need each event type that a service consumes: as many as fit into half a minute, in an order that changes daily.
    { 'consumed types': ['tools/guards.mjs', 'facts', '--seconds', '30'] },
    { tests: [...jestFlags, '--json', `--outputFile=${report}`] },
    { requirements: ['tools/requirements.mjs', '--rows'] },
  ];
  const run = (name, args) =>
    withProgress(
      name,
      () => runCaptured(place.node, args, { cwd: place.workspace, env: place.env }),
      (done) => (done.code === 0 ? 'passed' : 'FAILED'),
    );
  try {
    const failed = [];
    for (const together of gates) {
      const done = await Promise.all(Object.entries(together).map(async ([name, args]) => ({ name, ...(await run(name, args)) })));
      if (wasStopped()) return done.find(({ code }) => code !== 0)?.code ?? 130;
      for (const { name, output } of done.filter(({ code }) => code !== 0)) {
        failed.push(name);
        process.stdout.write(`${withoutReport(output).trimEnd()}\n`);
      }
    }
    return closing(failed, readReport(report), place.workspace);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** `npm test -- <pattern>`: only jest, with these arguments. @returns {Promise<number>} exit code */
export async function runTestsOnly(place, args) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'readmit-test-'));
  const report = path.join(scratch, 'jest.json');
  try {
    // jest would print its JSON to the terminal without a file; the last line is made from it.
    const code = await runOnTerminal(place.node, [...jestFlags, '--json', `--outputFile=${report}`, ...args], {
      cwd: place.workspace,
      env: place.env,
    });
    if (wasStopped()) return code || 130;
    return closing(code === 0 ? [] : ['tests'], readReport(report), place.workspace);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const withoutReport = (output) => output.replace(/^Test results written to: .*$/m, '');

/** Prints what was skipped and what failed; the last line contains only the counts, for programs. */
function closing(failed, report, workspace) {
  const skipped = (report?.testResults ?? []).flatMap((file) =>
    file.assertionResults
      .filter((one) => one.status === 'pending' || one.status === 'todo' || one.status === 'skipped')
      .map((one) => `${path.relative(workspace, file.name)}: ${one.fullName}`),
  );
  for (const title of skipped) process.stdout.write(`skipped: ${title}\n`);
  if (skipped.length > 0 && process.env.CI === 'true') failed.push(`nothing may be skipped under CI (${skipped.length} skipped)`);
  if (failed.length > 0) process.stdout.write(`failed: ${failed.join(', ')}\n`);
  // jest cannot count the tests of a file that does not load: the file counts as one failed test.
  const failedTests = report ? report.numFailedTests + report.numRuntimeErrorTestSuites : Number(failed.includes('tests'));
  process.stdout.write(`${report?.numPassedTests ?? 0} passed, ${failedTests} failed, ${skipped.length} skipped\n`);
  return failed.length > 0 || failedTests > 0 ? 1 : 0;
}
