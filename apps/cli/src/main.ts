#!/usr/bin/env node
import { processIo } from './io.js';
import { run } from './program.js';

// `readmit case list | head` closes our output early: that is no fault of anybody.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await run(process.argv.slice(2), processIo());
