/**
 * Loaded before the program of a supervised process: its standard input is a pipe that the launcher never writes to and that
 * ends with the launcher, even when that one is killed. The process then drains as if it had been asked to stop.
 */
import { flushCompileCache } from 'node:module';

// A start costs half a second of compiling. What was compiled is kept (NODE_COMPILE_CACHE) before somebody can kill the process.
setTimeout(flushCompileCache, 3_000).unref();
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
process.stdin.unref();
