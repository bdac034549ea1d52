export { run } from './program.js';
export { exitCodes } from './errors.js';
export type { Io, Sink } from './io.js';
