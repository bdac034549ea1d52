import { defineService, type ServiceDefinition } from '@readmit/runtime';
import { executionProcess } from '@readmit/domain';
import type { Connectors } from './outbound/connectors.js';
import { saveSealed } from './outbound/sealed.js';
import { targetCalls } from './outbound/target-calls.js';

export const executionDefinition = (connectors: Connectors, options: { readonly watchEveryMs: number }): ServiceDefinition =>
  defineService(executionProcess(options), { calls: targetCalls(connectors), save: saveSealed });
