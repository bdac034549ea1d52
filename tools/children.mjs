/**
 * Starts other programs so that none outlives this process: signals are passed on to the child, this process waits for it to end and takes
 * over its exit code. Runs under any Node >= 20.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** @type {Set<{ child: import('node:child_process').ChildProcess, ownGroup: boolean }>} */
const running = new Set();
/** The signal that ended this run, if one did. */
let stoppedBy;
let lastForwardedAt = 0;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));

// npm sends SIGTERM to the shell between npm and this process, which dies without telling its child. So being orphaned also means to stop.
// Only under npm: anyone who runs this file directly may close the shell on purpose.
if (process.env.npm_lifecycle_event) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop('SIGTERM');
  }, 500);
  watch.unref();
}

function stop(signal) {
  stoppedBy ??= signal;
  // npm passes on a signal that the terminal has already sent to the whole group: the same signal twice in a moment counts once.
  const repeated = Date.now() - lastForwardedAt < 500;
  lastForwardedAt = Date.now();
  if (running.size === 0) process.exit(128 + constants.signals[signal]);
  for (const { child, ownGroup } of running) {
    // The terminal sends Ctrl-C to a child in this process group itself; a second SIGINT would mean "at once".
    const fromTerminal = signal === 'SIGINT' && process.stdin.isTTY === true;
    if (ownGroup) signalGroup(child.pid, signal);
    else if (!fromTerminal && !repeated) child.kill(signal);
  }
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    // EPERM: the rest of the group belongs to another user and cannot be ended.
    if (error.code === 'ESRCH' || error.code === 'EPERM') return false;
    throw error;
  }
}

/** Ends processes that a program left behind in its group, first with SIGTERM; returns when none is left. */
async function endGroup(pid) {
  for (let waited = 0; signalGroup(pid, waited === 0 ? 'SIGTERM' : waited < 5000 ? 0 : 'SIGKILL'); waited += 100) {
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Whether the run was told to stop; loops check it before the next step. */
export const wasStopped = () => stoppedBy !== undefined;

/** @returns the exit code of a shell: the child's own, or 128 + the number of the signal that ended it */
const exitCode = (code, signal) => code ?? 128 + (constants.signals[signal] ?? 0);

/** Runs a program on this terminal, where people see its output and can press Ctrl-C. */
export function runOnTerminal(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: 'inherit' });
    const entry = { child, ownGroup: false };
    running.add(entry);
    child.once('error', (error) => {
      running.delete(entry);
      reject(error);
    });
    child.once('exit', (code, signal) => {
      running.delete(entry);
      resolve(exitCode(code, signal));
    });
  });
}

/**
 * Runs a program and captures its output. It gets its own process group (except on Windows), so that everything it starts ends with it.
 * @returns {Promise<{ code: number, output: string }>} output: stdout and stderr, interleaved
 */
export function runCaptured(command, args, options) {
  return new Promise((resolve, reject) => {
    const ownGroup = process.platform !== 'win32';
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: ownGroup });
    const entry = { child, ownGroup };
    running.add(entry);
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.once('error', (error) => {
      running.delete(entry);
      reject(error);
    });
    const closed = new Promise((done) => child.once('close', done));
    child.once('exit', async (code, signal) => {
      if (ownGroup) await endGroup(child.pid);
      // A process that left the group may still hold the pipes; do not wait for it.
      await Promise.race([closed, new Promise((done) => setTimeout(done, 2000).unref())]);
      running.delete(entry);
      resolve({ code: exitCode(code, signal), output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}
