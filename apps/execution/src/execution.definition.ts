import { defineService, type ServiceDefinition } from '@readmit/runtime';
import { executionProcess, type ExecutionOptions } from '@readmit/domain';
import { withNames, type Connectors } from './outbound/connectors.js';
import { saveSealed } from './outbound/sealed.js';
import { SweepPace } from './outbound/sweep-pace.js';
import { sweepCall } from './outbound/sweep-call.js';
import { targetCalls } from './outbound/target-calls.js';

/** `sweepsPerSecond`: readings of the sweep at one connector. */
export const executionDefinition = (
  connectors: Connectors,
  { sweepsPerSecond = 5, ...options }: ExecutionOptions & { readonly sweepsPerSecond?: number },
): ServiceDefinition => {
  const named = withNames(connectors);
  return defineService(executionProcess(options), {
    calls: { ...targetCalls(named), sweep: sweepCall(named, new SweepPace(sweepsPerSecond)) },
    save: saveSealed,
  });
};
