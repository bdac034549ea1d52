/**
 * The six services with their real definitions on either bus and a real PostgreSQL, in one process: what `npm start` runs,
 * without HTTP, directory server and targets. Those three are simulated.
 */
import { readFile } from 'node:fs/promises';
import { approvalDefinition } from '../apps/approval/src/approval.definition.js';
import { classificationDefinition } from '../apps/classification/src/classification.definition.js';
import { parsePolicy } from '../apps/classification/src/outbound/policy-file.js';
import { executionDefinition } from '../apps/execution/src/execution.definition.js';
import { intakeDefinition } from '../apps/intake/src/intake.definition.js';
import { schedulerDefinition } from '../apps/revocation-scheduler/src/scheduler.definition.js';
import { openEngines, type Engines, type EnginesOptions } from './engines.js';
import { digestOf, type People } from './people.js';
import { openSimulatedTarget, simulatedTarget } from './simulated-target.js';

const policyFile = 'deploy/policies/default.yaml';

export interface Pipeline extends Engines {
  readonly policyDigest: string;
  /** The salt of contact digests. */
  readonly salt: string;
}

export async function openPipeline({ people, ...options }: EnginesOptions & { readonly people: People }): Promise<Pipeline> {
  const policy = parsePolicy(await readFile(policyFile, 'utf8'), policyFile);
  const salt = 'bench';
  // Digest and age as of a directory that was read just now.
  const directory = {
    read: async () => ({ directory: people.directory, digest: digestOf('directory'), issuedAt: new Date().toISOString() }),
  };
  const engines = await openEngines(
    {
      intake: intakeDefinition({ channel: 'simulated-mailbox', send: async () => {} }),
      classification: classificationDefinition(directory, policy, salt),
      approval: approvalDefinition,
      execution: executionDefinition(new Map([[simulatedTarget, openSimulatedTarget()]]), { watchEveryMs: 1_000 }),
      'revocation-scheduler': schedulerDefinition,
    },
    options,
  );
  return { ...engines, policyDigest: policy.digest, salt };
}
