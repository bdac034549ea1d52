/** The services in a run: their real definitions, with doubles of everything else that they call. */
import type { ServiceDefinition } from '@readmit/runtime';
import type { Connector } from '@readmit/connectors';
import { approvalDefinition } from '../../apps/approval/src/approval.definition.js';
import { classificationDefinition } from '../../apps/classification/src/classification.definition.js';
import { executionDefinition } from '../../apps/execution/src/execution.definition.js';
import { intakeDefinition } from '../../apps/intake/src/intake.definition.js';
import { schedulerDefinition } from '../../apps/revocation-scheduler/src/scheduler.definition.js';
import { crypto, directory, directoryDigest, policy } from './cast.js';

/** All but audit, which the installation simulates itself. `target`: where execution restores. */
export const servicesOf = (
  target: Connector,
  options: { readonly watchEveryMs: number; readonly newId: () => string },
): ServiceDefinition[] => [
  intakeDefinition({
    notices: { channel: 'mailbox', send: () => Promise.resolve({ addresses: 1 }) },
    codeOf: () => Promise.resolve('CODE'),
    freeze: () => Promise.resolve('done'),
  }),
  classificationDefinition(
    { read: () => Promise.resolve({ directory, digest: directoryDigest, issuedAt: directory.issuedAt }) },
    { document: policy, digest: crypto.digest(policy) },
    'salt',
    // Any id will do as the nonce of a code: no run compares codes of two cases.
    { draw: () => Promise.resolve({ codeNonce: `nonce_${options.newId()}`, sameKey: [] }) },
  ),
  approvalDefinition,
  executionDefinition(new Map([['target', target]]), { watchEveryMs: options.watchEveryMs }),
  schedulerDefinition,
];
