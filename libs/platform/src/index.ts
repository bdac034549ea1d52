/** What every library stands on: ids, durable files, waiting, errors as text. No I/O of the network or the database. */
export { backoffMs } from './backoff.js';
export { WakeUp } from './wake-up.js';
export { crashPoint, crashPoints, crashPointsOf } from './crash-points.js';
export type { CrashPoint } from './crash-points.js';
export { Gathering } from './gathering.js';
export type { Log } from './log.js';
export { isLoopback, mustBeHttps } from './loopback.js';
export { messageOf } from './message-of.js';
export { Recent } from './recent.js';
export { unstorableText } from './unstorable-text.js';
export { uuidv7 } from './uuidv7.js';
export { writeNew, writeWhole } from './whole-file.js';
