import { readFile } from 'node:fs/promises';
import { engineCrypto } from '@readmit/signing';
import { Policy } from '@readmit/contracts';
import { policyFaults, type ActivePolicy } from '@readmit/domain';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseDocument } from 'yaml';

const valid = new Ajv2020({ allErrors: true, strict: false, validateSchema: false }).compile(Policy);

/** Throws with all faults of the text at once, each with its place and what to do. */
export function parsePolicy(text: string, name: string): ActivePolicy {
  const yaml = parseDocument(text, { strict: true, uniqueKeys: true, version: '1.2' });
  if (yaml.errors.length > 0) throw new Error(`${name} is not valid YAML: ${yaml.errors.map((error) => error.message).join('; ')}`);
  const document: unknown = yaml.toJS({ maxAliasCount: 0 });
  if (!valid(document)) {
    const faults = (valid.errors ?? []).map(
      (error) =>
        `${error.instancePath || '/'} ${error.message ?? 'is wrong'}${'additionalProperty' in error.params ? ` (${String(error.params['additionalProperty'])})` : ''}`,
    );
    throw new Error(`${name} does not match the policy schema:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
  const policy = document as Policy;
  const faults = policyFaults(policy);
  if (faults.length > 0) throw new Error(`${name} is not strict enough:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  return { document: policy, digest: engineCrypto.digest(policy) };
}

export async function loadPolicy(file: string): Promise<ActivePolicy> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`the policy file ${file} cannot be read. Set READMIT_POLICY_FILE to a policy, e.g. deploy/policies/default.yaml`, {
      cause,
    });
  }
  return parsePolicy(text, file);
}
