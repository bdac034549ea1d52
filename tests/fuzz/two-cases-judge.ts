/** Checks the target and the events once everything has come to rest, and each call that was made. */
import type { Fact, Identity } from '@readmit/contracts';
import type { Installation } from './installation.js';
import type { Kind } from './acts.js';
import type { Call, Membership, RealTarget, Role, Shown } from './real-target.js';

const valueOf = (identity: readonly Identity[] | undefined, name: string): string | undefined =>
  identity?.find((one) => one.name === name)?.value;
const withoutSecret = (key: string, value: unknown): unknown => (key === 'secret' ? undefined : value);
const keyOf = ({ role, member, grantor }: Membership): string => `${role}/${member}/${grantor}`;

export async function problemsOf(
  installation: Installation,
  target: RealTarget,
  kind: Kind,
  { working }: { readonly working: readonly string[] },
): Promise<string[]> {
  const shown = await target.shown();
  const { problems, made } = judgeCalls(target, installation, shown);
  const overdue = overdueObligations(installation);
  problems.push(...openObligations(installation), ...stillHeld(installation));
  // Failures and killed workers only delay an undo; only a DBA can make it impossible.
  if (target.did.length === 0 && overdue.size > 0)
    problems.push(`(d) ${[...overdue].join(', ')} is overdue although nobody else changed the target`);
  if (kind === 'role') {
    const left = shown.memberships.filter((one) => target.isOurs(one) && one.role !== target.oids['payroll']);
    if (left.length > 0 && overdue.size === 0) problems.push(`(a) a grant of the executor is left: ${left.map(keyOf).join(', ')}`);
    // Sessions of a login that was dropped since cannot be found.
    const open = (await target.stillOpen()).filter(({ login }) => login === 'erin' || !target.did.includes('drop-login'));
    if (open.length > 0 && overdue.size === 0) problems.push(`(a) sessions of ${open.map(({ login }) => login).join(', ')} are left`);
  } else problems.push(...judgeAccount(installation, target, shown, made, working));
  return problems;
}

/** Each call changes only what its step or undo is about (R2.4, R6.5). */
function judgeCalls(
  target: RealTarget,
  installation: Installation,
  shown: Shown,
): { problems: string[]; made: ReadonlyMap<string, string> } {
  const problems: string[] = [];
  const made = new Map<string, string>();
  const ends = new Map<string, { readonly was: string | null; readonly set: string | null }>();
  for (const call of target.calls) {
    const { caseId = '', step, undo, before, after } = call;
    const name = `${call.method} ${(step ?? undo)?.kind ?? ''} of ${caseId}`;
    const old = valueOf(call.plan?.obligations.find(({ armedBy }) => armedBy === 'success')?.identity, 'login');
    const mine = (oid: string): boolean => made.get(oid) === caseId;
    for (const { was, is } of changedRoles(before, after)) {
      const oid = (was ?? is)?.oid ?? '';
      const onlyUntil = was && is && was.until !== is.until && was.login === is.login && was.secret === is.secret && was.name === is.name;
      if (step?.kind === 'secret.issue' && oid === old && onlyUntil) {
        const earlier = ends.get(`${caseId}/${oid}`);
        ends.set(`${caseId}/${oid}`, { was: earlier && earlier.set === was.until ? earlier.was : was.until, set: is.until });
      } else if (step?.kind === 'secret.issue' && is && (!was || mine(oid) || oid === valueOf(step.identity, 'login')))
        made.set(oid, caseId);
      else if (undo?.kind === 'secret.destroy' && undo.armedBy === 'start' && oid === old && onlyUntil) {
        const own = ends.get(`${caseId}/${oid}`);
        if (!own || own.set !== was.until)
          problems.push(`(b) ${name} changed the expiry of a login that somebody else had set: ${was.until}`);
        else if (own.was !== is.until) problems.push(`(b) ${name} set the expiry of a login to ${is.until}, it was ${own.was}`);
      } else if (undo?.kind === 'secret.destroy' && (undo.armedBy === 'success' ? oid === old : mine(oid))) continue;
      else problems.push(`(b) ${name} changed role ${was?.name ?? is?.name}: ${JSON.stringify({ was, is }, withoutSecret)}`);
    }
    problems.push(...changedMemberships(call, target, mine, old, made).map((what) => `(b) ${name} ${what}`));
    if (undo?.kind === 'role.revoke' && lostOf(before, after).length > 0)
      problems.push(...holdersThen(installation, call).map((other) => `(R6.5) ${name} removed what ${other} held`));
  }
  for (const { oid, name, login, until } of shown.roles)
    for (const [key, { set }] of ends)
      if (login && until === set && until !== null && key.endsWith(`/${oid}`) && overdueObligations(installation).size === 0)
        problems.push(`(c) ${name} still has the expiry that ${key} set`);
  return { problems, made };
}

function changedRoles(before: Shown, after: Shown): { readonly was: Role | undefined; readonly is: Role | undefined }[] {
  const oids = new Set([...before.roles, ...after.roles].map(({ oid }) => oid));
  return [...oids]
    .map((oid) => ({ was: before.roles.find((one) => one.oid === oid), is: after.roles.find((one) => one.oid === oid) }))
    .filter(({ was, is }) => JSON.stringify(was) !== JSON.stringify(is));
}
const lostOf = (before: Shown, after: Shown): Membership[] => {
  const left = new Set(after.memberships.map(keyOf));
  return before.memberships.filter((one) => !left.has(keyOf(one)));
};

function changedMemberships(
  { step, undo, before, after }: Call,
  target: RealTarget,
  mine: (oid: string) => boolean,
  old: string | undefined,
  made: ReadonlyMap<string, string>,
): string[] {
  const come = lostOf(after, before).filter((one) => {
    const own = target.isOurs(one) && one.member === valueOf(step?.identity, 'login') && one.role === valueOf(step?.identity, 'role');
    if (step?.kind === 'role.grant') return !own;
    const toNew = target.isOurs(one) && one.role === valueOf(step?.identity, 'owner') && mine(one.member);
    return !(step?.kind === 'secret.issue' && (toNew || (made.has(one.role) && one.member === target.executorOid)));
  });
  const gone = lostOf(before, after).filter((one) => {
    if (undo?.kind === 'role.revoke') return !(target.isOurs(one) && one.role === valueOf(undo.identity, 'role'));
    const may = (oid: string): boolean => (undo?.armedBy === 'success' ? oid === old : mine(oid));
    return !(undo?.kind === 'secret.destroy' && (may(one.member) || may(one.role)));
  });
  return [...come.map((one) => `granted ${keyOf(one)}`), ...gone.map((one) => `revoked ${keyOf(one)}`)];
}

/** Other cases that held what the call removed, and whose end was not due. */
function holdersThen(installation: Installation, { at, undo, caseId }: Call): string[] {
  const then = installation.published.slice(0, at).map(({ fact }) => fact);
  const over = new Set(then.filter(({ type }) => type === 'readmit.revocation.due' || type === 'readmit.execution.failed').map(caseOf));
  return then.flatMap((fact) =>
    fact.type === 'readmit.execution.succeeded' &&
    fact.data.holds?.includes(undo?.hold ?? '') &&
    caseOf(fact) !== caseId &&
    !over.has(caseOf(fact))
      ? [fact.data.caseId]
      : [],
  );
}
const caseOf = ({ data }: Fact): string => ('caseId' in data ? String(data.caseId) : '');

const overdueObligations = (installation: Installation): ReadonlySet<string> => {
  const done = new Set(installation.of('readmit.obligation.discharged').map(({ data }) => data.obligationId));
  return new Set(
    installation.of('readmit.revocation.overdue').flatMap(({ data }) => (done.has(data.obligationId) ? [] : [data.obligationId])),
  );
};

/** Obligations that were neither discharged since they were last due, nor reported as overdue. */
function openObligations(installation: Installation): string[] {
  const overdue = new Set(installation.of('readmit.revocation.overdue').map(({ data }) => data.obligationId));
  return installation.of('readmit.obligation.recorded').flatMap(({ data: { obligationId } }) => {
    const last = (type: Fact['type']): number =>
      installation.published.findLastIndex(
        ({ fact }) => fact.type === type && 'obligationId' in fact.data && fact.data.obligationId === obligationId,
      );
    const discharged = last('readmit.obligation.discharged');
    return (discharged >= 0 && discharged > last('readmit.revocation.due')) || overdue.has(obligationId)
      ? []
      : [`(d) obligation ${obligationId} is neither discharged nor overdue`];
  });
}

/** An obligation was discharged as still held only for a case that had started and whose own obligation was open. */
function stillHeld(installation: Installation): string[] {
  const facts = installation.published.map(({ fact }) => fact);
  return facts.flatMap((fact, index) => {
    if (fact.type !== 'readmit.obligation.discharged' || fact.data.how !== 'still-held') return [];
    const before = facts.slice(0, index);
    const answer = before.findLast(
      (one) => one.type === 'readmit.revocation.confirmed' && one.data.obligationId === fact.data.obligationId,
    ) as Extract<Fact, { type: 'readmit.revocation.confirmed' }> | undefined;
    const by = answer?.data.heldBy;
    if (!by || by.caseId === fact.data.caseId) return [`(e) ${fact.data.obligationId} was discharged as still held, but nobody holds it`];
    const at = (type: Fact['type']): number =>
      before.findLastIndex((one) => one.type === type && 'obligationId' in one.data && one.data.obligationId === by.obligationId);
    const closed = at('readmit.obligation.discharged');
    const begun = before.some((one) => one.type === 'readmit.execution.started' && one.data.caseId === by.caseId);
    const open = at('readmit.obligation.recorded') >= 0 && (closed < 0 || at('readmit.revocation.due') > closed);
    return begun && open ? [] : [`(e) ${fact.data.obligationId} was discharged as held by ${by.obligationId}, which was not open`];
  });
}

/** Changes by a DBA that can leave the account without a working login. */
const disruptive = ['close-old', 'drop-old', 'make-new', 'drop-new', 'comment-new', 'rename-old', 'rename-new', 'until-new', 'until-old'];

function judgeAccount(
  installation: Installation,
  target: RealTarget,
  { roles, memberships }: Shown,
  made: ReadonlyMap<string, string>,
  working: readonly string[],
): string[] {
  const problems: string[] = [];
  const stopped = new Set(
    [...installation.of('readmit.containment.ordered'), ...installation.of('readmit.case.frozen')].map(({ data }) => data.caseId),
  );
  const tookOver = new Set(
    installation
      .of('readmit.obligation.discharged')
      .filter(({ data }) => data.how === 'taken-over')
      .map(({ data }) => data.caseId)
      .filter((caseId) => !stopped.has(caseId)),
  );
  const overdue = new Set([...overdueObligations(installation)].map((id) => id.slice(0, id.lastIndexOf('/'))));
  for (const [oid, caseId] of made) {
    const login = roles.find((one) => one.oid === oid);
    // A login that somebody else opened again is not the case's.
    if (login?.login && !tookOver.has(caseId) && !overdue.has(caseId)) problems.push(`(c) ${login.name}, created by ${caseId}, can log in`);
  }
  const byDba = target.did.some((act) => disruptive.includes(act));
  const oldByDba = target.did.some((act) => ['close-old', 'drop-old', 'until-old'].includes(act));
  const owners = roles.filter(
    ({ oid, login }) => login && memberships.some((one) => one.member === oid && one.role === target.oids['payroll']),
  );
  if (tookOver.size > 0 && !byDba && (owners.length === 0 || working.length === 0)) problems.push('(c) the account has no working login');
  const first = roles.find(({ oid }) => oid === target.oids['payroll_a']);
  if (installation.of('readmit.execution.succeeded').length === 0 && !oldByDba && (!first?.login || first.until !== null))
    problems.push(`(c) nothing succeeded, but the first login was changed: its expiry is ${first?.until}`);
  return problems;
}
