/**
 * Loaded before the program of a supervised process: its standard input is a pipe that the launcher never writes to and that
 * ends with the launcher, even when that one is killed. The process then drains as if it had been asked to stop.
 */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
process.stdin.unref();
