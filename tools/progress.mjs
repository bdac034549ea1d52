/** Shows progress while something takes long: one line that counts seconds on a terminal, plain lines in a pipe. */

const live = process.stdout.isTTY === true && process.env.CI !== 'true';
/** In a pipe one line per step and another every 15 s: enough to see that it is alive, few enough to read later. */
const everyMs = live ? 1000 : 15_000;

/**
 * Runs `work` under a label and prints how it ended and how long it took.
 * @template T
 * @param {string} label present tense: "installing dependencies"
 * @param {() => Promise<T>} work
 * @param {(result: T) => string} [outcome] the word at the end of the line; default: done
 * @returns {Promise<T>}
 */
export async function withProgress(label, work, outcome = () => 'done') {
  const began = Date.now();
  const seconds = () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
  const show = live
    ? () => process.stdout.write(`\r\x1b[K${label} ... ${seconds()}`)
    : () => process.stdout.write(`${label} ... ${seconds()}\n`);
  if (live) show();
  const timer = setInterval(show, everyMs);
  let word = 'failed';
  try {
    const result = await work();
    word = outcome(result);
    return result;
  } finally {
    clearInterval(timer);
    process.stdout.write(`${live ? '\r\x1b[K' : ''}${label}: ${word}, ${seconds()}\n`);
  }
}
