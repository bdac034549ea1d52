import { randomUUID } from 'node:crypto';
import type { Plan, Undo } from '@readmit/contracts';
import { TargetError, type UndoResult } from '../connector.js';
import type { Call, PersonState } from './admin-client.js';
import { facetsOf, factorsBefore, liftsLock } from './facets.js';

export interface About {
  readonly connector: string;
  readonly caseId: string;
  readonly plan: Plan;
}

/** Voids the bypass of the case and the session that it opened. Done only if the target shows both. */
export async function closeBypass(call: Call, undo: Undo, { connector, caseId, plan }: About): Promise<UndoResult> {
  const before = await voidBypass(call, undo, caseId);
  const state = await call.personWithProof(undo.object);
  call.assertAccount(undo, state);
  assertVoid(state, caseId, connector);
  const sessionsEnded = (state.bypass.for === caseId ? state.bypass.sessionsEnded : before) ?? 0;
  return { readBack: facetsOf(connector, undo.object, state, liftsLock(plan, connector, undo.object)), sessionsEnded };
}

/** Also if there is no bypass: the target then refuses one that is still in transit. */
async function voidBypass(call: Call, undo: Undo, caseId: string): Promise<number> {
  const closed = await call.change(undo, (state) =>
    isOver(state, caseId) ? undefined : { path: 'bypass/close', body: { operation: `${caseId}/${undo.id}/close`, for: caseId } },
  );
  return closed.result.sessionsEnded ?? 0;
}

function assertVoid(state: PersonState, caseId: string, connector: string): void {
  if (!isOver(state, caseId) && state.bypass.for === caseId)
    throw new TargetError(`the bypass of ${caseId} is still ${state.bypass.state} at ${connector}`, 'unknown', 'changed');
  const left =
    state.bypass.for === caseId || state.bypass.state === 'none' ? state.sessions.filter((session) => session.openedBy === 'bypass') : [];
  if (left.length > 0)
    throw new TargetError(`${left.length} session(s) opened by a bypass are still open at ${connector}`, 'unknown', 'changed');
}

/** Closed explicitly: expired or used does not count, because a session could still be open. */
const isOver = (state: PersonState, caseId: string): boolean => state.bypass.for === caseId && state.bypass.state === 'closed';

/** A person who is signed in may enrol a factor during the undo: repeated at most this often. */
const maxRounds = 4;

/**
 * After "this was not me" (R5.4): removes what the recovery let in. First the bypass, then the factors that were enrolled since the plan,
 * then every session, because a session can enrol another factor; repeated until the target shows none of them.
 */
export async function withdrawEnrolment(call: Call, undo: Undo, about: About): Promise<UndoResult> {
  const { connector, caseId, plan } = about;
  const { object } = undo;
  const planned = factorsBefore(plan, connector, object);
  if (!planned) throw new TargetError(`the plan does not list the factors of ${object}`, 'none', 'refused');
  const ofObject = plan.steps.filter((step) => step.connector === connector && step.object === object);
  const issued = ofObject.some((step) => step.kind === 'bypass.issue');
  const unlocked = ofObject.some((step) => step.kind === 'account.unlock');
  let sessionsEnded = issued ? await voidBypass(call, undo, caseId) : 0;
  let state: PersonState;
  let left: string;
  let round = 0;
  do {
    // A new operation id each time, because each round must be executed.
    const operation = `${caseId}/${undo.id}/${randomUUID()}`;
    if (unlocked)
      await call.change(undo, ({ locked }) => (locked ? undefined : { path: 'lock', body: { operation: `${operation}/lock` } }));
    for (const factor of newFactors(await call.person(object), planned))
      await call.change(undo, ({ factors }) =>
        factors.some(({ id }) => id === factor)
          ? { path: 'factors/remove', body: { operation: `${operation}/${factor}`, factor } }
          : undefined,
      );
    const ended = await call.change(undo, ({ sessions }) =>
      sessions.length === 0 ? undefined : { path: 'sessions/end', body: { operation: `${operation}/sessions`, openedBy: 'any' } },
    );
    sessionsEnded += ended.result.sessionsEnded ?? 0;
    state = await call.personWithProof(object);
    call.assertAccount(undo, state);
    left = whatIsLeft(state, planned, unlocked);
  } while (left !== '' && ++round < maxRounds);
  if (left !== '') throw new TargetError(`${object} still has ${left} at ${connector}`, 'unknown', 'changed');
  if (issued) assertVoid(state, caseId, connector);
  return { readBack: facetsOf(connector, object, state, liftsLock(plan, connector, object)), sessionsEnded };
}

const newFactors = (state: PersonState, planned: ReadonlySet<string>): readonly string[] =>
  state.factors.map(({ id }) => id).filter((id) => !planned.has(id));

function whatIsLeft(state: PersonState, planned: ReadonlySet<string>, unlocked: boolean): string {
  return [
    ...newFactors(state, planned).map((id) => `factor ${id}`),
    ...(state.sessions.length > 0 ? [`${state.sessions.length} open session(s)`] : []),
    ...(unlocked && !state.locked ? ['no lock'] : []),
  ].join(', ');
}
