import { runDemo } from './run.js';

const started = await runDemo(process.env, process);
if ('exitCode' in started) {
  process.exitCode = started.exitCode;
} else {
  const stop = () => {
    started.demo.stop().catch((error: unknown) => {
      process.stderr.write(`The demo did not stop cleanly: ${error instanceof Error ? error.message : 'unknown'}\n`);
      process.exitCode = 1;
    });
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
