/** The scheduler: records obligations, decides when they are due, and reminds other services of their deadlines. Commands: `scheduler.commands.ts`. */
import type { ServiceProcess } from '../kernel/process.js';
import { schedulerConsumes, schedulerKeys, type SchedulerEvents } from './scheduler.facts.js';
import { schedulerReact } from './scheduler.react.js';

export const schedulerProcess: ServiceProcess<Record<never, never>, SchedulerEvents> = {
  name: 'revocation-scheduler',
  consumes: schedulerConsumes,
  keysOf: schedulerKeys,
  react: schedulerReact,
  work: {},
  wakes: 'timer',
};
