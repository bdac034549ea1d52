/**
 * The six services with their real definitions on either bus and a real PostgreSQL: what `npm start` runs, without HTTP, directory server and
 * targets. Those three are simulated.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { approvalDefinition } from '../apps/approval/src/approval.definition.js';
import { classificationDefinition } from '../apps/classification/src/classification.definition.js';
import { parsePolicy } from '../apps/classification/src/outbound/policy-file.js';
import { executionDefinition } from '../apps/execution/src/execution.definition.js';
import { intakeDefinition } from '../apps/intake/src/intake.definition.js';
import { schedulerDefinition } from '../apps/revocation-scheduler/src/scheduler.definition.js';
import { openEngines, type Definitions, type Engines, type EnginesOptions } from './engines.js';
import { digestOf, type People } from './people.js';
import { simulatedOutside } from './simulated-outside.js';
import { openSimulatedTarget, simulatedTarget } from './simulated-target.js';

const policyFile = 'deploy/policies/default.yaml';

/** What people must know of an installation. */
export interface Installation {
  readonly policyDigest: string;
  /** The salt of contact digests. */
  readonly salt: string;
}
export interface Pipeline extends Engines, Installation {}

export async function realDefinitions(people: People): Promise<Installation & { readonly definitions: Definitions }> {
  const policy = parsePolicy(await readFile(policyFile, 'utf8'), policyFile);
  const salt = 'bench';
  // Digest and age as of a directory that was read just now.
  const directory = {
    read: async () => ({ directory: people.directory, digest: digestOf('directory'), issuedAt: new Date().toISOString() }),
  };
  // Nobody is called back here; each code still belongs to its own case.
  const codes = { draw: async () => ({ codeNonce: `nonce_${randomUUID()}`, sameKey: [] }) };
  const definitions: Definitions = {
    intake: intakeDefinition(simulatedOutside),
    classification: classificationDefinition(directory, policy, salt, codes),
    approval: approvalDefinition,
    execution: executionDefinition(new Map([[simulatedTarget, openSimulatedTarget()]]), { watchEveryMs: 1_000 }),
    'revocation-scheduler': schedulerDefinition,
  };
  return { definitions, policyDigest: policy.digest, salt };
}

/** All in this process. */
export async function openPipeline({ people, ...options }: EnginesOptions & { readonly people: People }): Promise<Pipeline> {
  const { definitions, ...installation } = await realDefinitions(people);
  return { ...(await openEngines(definitions, options)), ...installation };
}
