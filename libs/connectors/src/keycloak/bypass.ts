import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { Plan, RecipientKey, Step } from '@readmit/contracts';
import { TargetError, type StepResult } from '../connector.js';
import type { BypassSecret } from '../demo-idp/bypass-code.js';
import { recipientsOf, sealSecret } from '../seal-secret.js';
import { enrol, labelOf, readAccount, userPath } from './account.js';
import type { Call } from './admin-client.js';

/** What the recovery-code form of Keycloak accepts, without look-alikes. 13 of 33 characters are 65 bits; a saved recovery code needs 64. */
const alphabet = 'ABCDEFGHIJKLMNPQRSTUVWXYZ23456789';
const length = 13;

/**
 * Puts a one-time code: a recovery-code credential with one real and one dead code. With a single code Keycloak would hand out twelve new ones
 * after its use. One that is there already is of a call that crashed: its code may be lost, so it is made again.
 */
export async function issueBypass(
  call: Call,
  step: Step,
  { caseId, recipients, expiresAt, plan }: { caseId: string; recipients: readonly RecipientKey[]; expiresAt: Date; plan: Plan },
): Promise<Pick<StepResult, 'sealed' | 'made'>> {
  const to = recipientsOf(step.recipients, recipients);
  const account = await readAccount(call, step.object);
  if (account.bypasses.some((one) => one.caseId !== caseId))
    throw new TargetError(`${step.object} has a bypass of another case`, call.effect, 'changed');
  const [old] = account.bypasses;
  if (old?.used) throw new TargetError(`the bypass of ${caseId} was used already`, 'unknown', 'changed');
  const planned = plan.before.facets.find(({ name }) => name === `${step.connector}/${step.object}/factors`)?.value.split(' ') ?? [];
  // An account has one set of recovery codes: this would silently replace a set that the person created since the plan.
  if (account.factors.some(({ type, id }) => type === 'recovery-authn-codes' && !planned.includes(id)))
    throw new TargetError(`${step.object} has new recovery codes since the plan: plan again`, call.effect, 'changed');
  const code = Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
  const secret: BypassSecret = {
    ...{ kind: 'bypass', connector: step.connector, object: step.object, code },
    expiresAt: expiresAt.toISOString(),
  };
  const sealed = await sealSecret({ ...secret }, to);
  if (old) await call.write('DELETE', `${userPath(step.object)}/credentials/${encodeURIComponent(old.id)}`, undefined, true);
  const codes = [
    { number: 1, encodedHashedValue: createHash('sha512').update(code).digest('base64') },
    { number: 2, encodedHashedValue: randomBytes(64).toString('base64') },
  ];
  await call.write('PUT', userPath(step.object), {
    requiredActions: [...new Set([...account.requiredActions, enrol])],
    credentials: [
      {
        type: 'recovery-authn-codes',
        userLabel: labelOf(caseId),
        secretData: JSON.stringify({ codes }),
        credentialData: JSON.stringify({ hashIterations: 1, algorithm: 'SHA-512', totalCodes: 2, remainingCodes: 2 }),
      },
    ],
  });
  const after = await readAccount(call, step.object);
  const made = after.bypasses.find((one) => one.caseId === caseId);
  // Keycloak ignores an action that it does not know, and responds with 204.
  if (!made || !after.requiredActions.includes(enrol))
    throw new TargetError(`${call.name} does not show the bypass of ${step.object} with ${enrol}`, call.effect, 'changed');
  return { sealed, made: [{ name: 'bypass', value: made.id }] };
}
