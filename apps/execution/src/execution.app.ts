import { createEngine } from '@readmit/runtime';
import type { Connector } from '@readmit/connectors';
import { integer, serviceApp } from '@readmit/service';
import { executionDefinition } from './execution.definition.js';
import { ExecutionController, executionPorts, type ExecutionPorts } from './inbound/execution.controller.js';
import { gateFigures } from './outbound/gate-figures.js';
import { openTargets, targetsFile } from './outbound/targets.js';

/**
 * Lease of claimed work, in milliseconds: how long the work of a killed worker waits for another. Short, so that an undo is not late. A
 * call is aborted at half of it; what is still running at the target then is ended there by its own timeout (`callTimeoutMs`).
 */
const leaseMs = 10_000;

export const executionApp = serviceApp({
  name: 'execution',
  area: 'execution',
  settings: {
    READMIT_TARGETS_FILE: { says: 'File (mode 0600, JSON) with the target systems and the accounts that act on them.', parse: targetsFile },
    READMIT_WATCH_MS: {
      says: 'Milliseconds between two looks at a target for use of what was granted.',
      parse: integer(100, 3_600_000, 1000),
      default: 1000,
    },
    READMIT_SWEEP_SECONDS: {
      says: 'Seconds between two comparisons of an account at a target with what a case left there.',
      parse: integer(1, 86_400, 60),
      default: 60,
    },
    READMIT_SWEEP_DAYS: {
      says: 'Days for which an account is still compared after its case was closed.',
      parse: integer(0, 365, 7),
      default: 7,
    },
    READMIT_SWEEP_PER_SECOND: {
      says: 'Comparisons per second at one target system; with more accounts than that allows each waits longer.',
      parse: integer(1, 1000, 5),
      default: 5,
    },
  },
  async build({ settings, store, commands }) {
    const connectors: ReadonlyMap<string, Connector> = openTargets(settings.READMIT_TARGETS_FILE.reveal());
    const ports: ExecutionPorts = { commands, store };
    return {
      definition: executionDefinition(connectors, {
        watchEveryMs: settings.READMIT_WATCH_MS,
        sweep: { everySeconds: settings.READMIT_SWEEP_SECONDS, afterCloseSeconds: settings.READMIT_SWEEP_DAYS * 86_400 },
        sweepsPerSecond: settings.READMIT_SWEEP_PER_SECOND,
      }),
      engine: (options) => createEngine({ ...options, leaseMs }),
      controllers: [ExecutionController],
      providers: [{ provide: executionPorts, useValue: ports }],
      figures: gateFigures,
      async close() {
        for (const connector of connectors.values()) await connector.close();
      },
    };
  },
});
