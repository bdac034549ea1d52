import type { Plan, Step, Undo } from '@readmit/contracts';
import { TargetError, type UndoResult } from '../connector.js';
import { deletedFacets, enrol, facetsOf, findAccount, isOpen, liftsLock, listBefore, readAccount, userPath } from './account.js';
import type { Call } from './admin-client.js';
import { endSessions } from './end-sessions.js';

const credential = (object: string, id: string): string => `${userPath(object)}/credentials/${encodeURIComponent(id)}`;

/** Removes exactly the factors in the plan; one enrolled since then stays and makes the read-back differ. */
export async function removeFactors(call: Call, step: Step, plan: Plan): Promise<void> {
  const planned = listBefore(plan, step, 'factors');
  const { factors } = await readAccount(call, step.object);
  for (const { id } of factors) if (planned.has(id)) await call.write('DELETE', credential(step.object, id), undefined, true);
  if ((await readAccount(call, step.object)).factors.some(({ id }) => planned.has(id)))
    throw new TargetError(`${call.name} still shows factors of ${step.object} that were removed`, call.effect, 'changed');
}

/** Reads the account first: the other calls respond in the same way for accounts that do not exist. */
export async function unlock(call: Call, object: string): Promise<void> {
  const { lock } = await readAccount(call, object);
  if (lock === 'none') return;
  await call.write('DELETE', `/attack-detection/brute-force${userPath(object)}`);
  if (lock === 'permanent') await call.write('PUT', userPath(object), { enabled: true });
  if ((await readAccount(call, object)).lock !== 'none')
    throw new TargetError(`${object} is still locked at ${call.name}`, call.effect, 'changed');
}

/** Nobody can sign in with a deleted account, and ids are not used again. */
const deleted = (undo: Undo): UndoResult => ({ readBack: deletedFacets(undo), sessionsEnded: 0 });

/** Deletes the code of the case. Where it was used, the required enrolment stays: otherwise the login that used it could finish without one. */
async function deleteBypass(call: Call, undo: Undo, caseId: string, plan: Plan): Promise<boolean> {
  const { bypasses, requiredActions } = await readAccount(call, undo.object);
  const ofCase = bypasses.filter((one) => one.caseId === caseId);
  for (const { id } of ofCase) await call.write('DELETE', credential(undo.object, id), undefined, true);
  const used = ofCase.some((one) => one.used);
  // Only if the unused code was there: otherwise a login may still need the action, and in a realm that requires a factor it opens nothing.
  if (ofCase.length > 0 && !used && requiredActions.includes(enrol) && !listBefore(plan, undo, 'required-actions').has(enrol))
    await call.write('PUT', userPath(undo.object), { requiredActions: requiredActions.filter((one) => one !== enrol) });
  return used;
}

export async function closeBypass(call: Call, undo: Undo, caseId: string, plan: Plan): Promise<UndoResult> {
  if (!(await findAccount(call, undo.object))) return deleted(undo);
  const used = await deleteBypass(call, undo, caseId, plan);
  const account = await readAccount(call, undo.object);
  if (account.bypasses.some((one) => one.caseId === caseId))
    throw new TargetError(`the bypass of ${caseId} is still at ${call.name}`, call.effect, 'changed');
  const enrolled = account.factors.some(({ id }) => !listBefore(plan, undo, 'factors').has(id));
  const sessionsEnded = used && !enrolled ? await endSessions(call, undo.object) : 0;
  return { readBack: facetsOf(undo, account, liftsLock(plan, undo)), sessionsEnded };
}

/** Retries when somebody who is signed in enrols a factor during the undo. */
const maxRounds = 3;

/**
 * "This was not me" (R5.4): removes first the bypass, then what was enrolled since the plan, then every session. Where a lock was lifted it
 * disables the account: a temporary lock, which anyone can cause with wrong passwords, would only delay the next sign-in.
 */
export async function withdrawEnrolment(call: Call, undo: Undo, caseId: string, plan: Plan): Promise<UndoResult> {
  const { object } = undo;
  const planned = listBefore(plan, undo, 'factors');
  if (!(await findAccount(call, object))) return deleted(undo);
  await deleteBypass(call, undo, caseId, plan);
  const unlocked = liftsLock(plan, undo);
  let sessionsEnded = 0;
  let left = '';
  for (let round = 0; round < maxRounds; round += 1) {
    const now = await readAccount(call, object);
    for (const { id } of now.factors) if (!planned.has(id)) await call.write('DELETE', credential(object, id), undefined, true);
    if (unlocked && isOpen(now)) await call.write('PUT', userPath(object), { enabled: false });
    sessionsEnded += await endSessions(call, object);
    const account = await readAccount(call, object);
    left = [
      ...(account.factors.some(({ id }) => !planned.has(id)) ? ['a factor that was enrolled since the plan'] : []),
      ...(account.bypasses.some((one) => one.caseId === caseId) ? ['the bypass of the case'] : []),
      ...(unlocked && isOpen(account) ? ['an open sign-in, because it is enabled'] : []),
    ].join(', ');
    if (left === '') return { readBack: facetsOf(undo, account, unlocked), sessionsEnded };
  }
  throw new TargetError(`${object} still has ${left} at ${call.name}`, call.effect, 'changed');
}
