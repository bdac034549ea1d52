/** What must be true of a target and of the record once everything has come to rest, and of each call that was made on the way. */
import type { Fact, Identity } from '@readmit/contracts';
import type { Installation } from './installation.js';
import type { Kind } from './acts.js';
import type { Call, Membership, RealTarget, Role, Shown } from './real-target.js';

const valueOf = (identity: readonly Identity[] | undefined, name: string): string | undefined =>
  identity?.find((one) => one.name === name)?.value;
const withoutSecret = (key: string, value: unknown): unknown => (key === 'secret' ? undefined : value);
const keyOf = ({ role, member, grantor }: Membership): string => `${role}/${member}/${grantor}`;

export async function wrongWith(
  house: Installation,
  target: RealTarget,
  kind: Kind,
  { working }: { readonly working: readonly string[] },
): Promise<string[]> {
  const shown = await target.shown();
  const { wrong, made } = judgeCalls(target, house, shown);
  const overdue = overdueObligations(house);
  wrong.push(...atRest(house), ...stillHeld(house));
  // What only failed and died on the way is undone by then: late for good is what a DBA made impossible.
  if (target.did.length === 0 && overdue.size > 0) wrong.push(`(d) nobody else did anything, and ${[...overdue].join(', ')} is overdue`);
  if (kind === 'role') {
    const left = shown.memberships.filter((one) => target.isOurs(one) && one.role !== target.oids['payroll']);
    if (left.length > 0 && overdue.size === 0) wrong.push(`(a) our grant is left: ${left.map(keyOf).join(', ')}`);
    // Who used the role through a login that was dropped since is known to nobody.
    const open = (await target.stillOpen()).filter(({ login }) => login === 'erin' || !target.did.includes('drop-login'));
    if (open.length > 0 && overdue.size === 0) wrong.push(`(a) sessions of ${open.map(({ login }) => login).join(', ')} are left`);
  } else wrong.push(...judgeAccount(house, target, shown, made, working));
  return wrong;
}

/** Each call changes what its own step or undo is about, and nothing of anybody else (R2.4, R6.5). */
function judgeCalls(target: RealTarget, house: Installation, shown: Shown): { wrong: string[]; made: ReadonlyMap<string, string> } {
  const wrong: string[] = [];
  const made = new Map<string, string>();
  const ends = new Map<string, { readonly was: string | null; readonly set: string | null }>();
  for (const call of target.calls) {
    const { caseId = '', step, undo, before, after } = call;
    const says = `${call.method} ${(step ?? undo)?.kind ?? ''} of ${caseId}`;
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
        const ours = ends.get(`${caseId}/${oid}`);
        if (!ours || ours.set !== was.until) wrong.push(`(b) ${says} changed the end of a login that somebody else had set: ${was.until}`);
        else if (ours.was !== is.until) wrong.push(`(b) ${says} set the end of a login to ${is.until}, it was ${ours.was}`);
      } else if (undo?.kind === 'secret.destroy' && (undo.armedBy === 'success' ? oid === old : mine(oid))) continue;
      else wrong.push(`(b) ${says} changed role ${was?.name ?? is?.name}: ${JSON.stringify({ was, is }, withoutSecret)}`);
    }
    wrong.push(...changedMemberships(call, target, mine, old, made).map((what) => `(b) ${says} ${what}`));
    if (undo?.kind === 'role.revoke' && lostOf(before, after).length > 0)
      wrong.push(...holdersThen(house, call).map((other) => `(R6.5) ${says} took away what ${other} held`));
  }
  for (const { oid, name, login, until } of shown.roles)
    for (const [key, { set }] of ends)
      if (login && until === set && until !== null && key.endsWith(`/${oid}`) && overdueObligations(house).size === 0)
        wrong.push(`(c) ${name} still has the end that ${key} set`);
  return { wrong, made };
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
  return [...come.map((one) => `gave ${keyOf(one)}`), ...gone.map((one) => `took away ${keyOf(one)}`)];
}

/** Other cases that had what the call took away, and had not been told that their end is due. */
function holdersThen(house: Installation, { at, undo, caseId }: Call): string[] {
  const then = house.said.slice(0, at).map(({ fact }) => fact);
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

const overdueObligations = (house: Installation): ReadonlySet<string> => {
  const done = new Set(house.of('readmit.obligation.discharged').map(({ data }) => data.obligationId));
  return new Set(house.of('readmit.revocation.overdue').flatMap(({ data }) => (done.has(data.obligationId) ? [] : [data.obligationId])));
};

/** Every obligation is discharged after it was last said due, or overdue on record. */
function atRest(house: Installation): string[] {
  const overdue = new Set(house.of('readmit.revocation.overdue').map(({ data }) => data.obligationId));
  return house.of('readmit.obligation.recorded').flatMap(({ data: { obligationId } }) => {
    const last = (type: Fact['type']): number =>
      house.said.findLastIndex(({ fact }) => fact.type === type && 'obligationId' in fact.data && fact.data.obligationId === obligationId);
    const discharged = last('readmit.obligation.discharged');
    return (discharged >= 0 && discharged > last('readmit.revocation.due')) || overdue.has(obligationId)
      ? []
      : [`(d) obligation ${obligationId} is neither discharged nor overdue`];
  });
}

/** Whoever is said to hold it had begun and its obligation was open when the other was discharged for it. */
function stillHeld(house: Installation): string[] {
  const facts = house.said.map(({ fact }) => fact);
  return facts.flatMap((fact, index) => {
    if (fact.type !== 'readmit.obligation.discharged' || fact.data.how !== 'still-held') return [];
    const before = facts.slice(0, index);
    const answer = before.findLast(
      (one) => one.type === 'readmit.revocation.confirmed' && one.data.obligationId === fact.data.obligationId,
    ) as Extract<Fact, { type: 'readmit.revocation.confirmed' }> | undefined;
    const by = answer?.data.heldBy;
    if (!by || by.caseId === fact.data.caseId) return [`(e) ${fact.data.obligationId} was discharged for nobody who holds it`];
    const at = (type: Fact['type']): number =>
      before.findLastIndex((one) => one.type === type && 'obligationId' in one.data && one.data.obligationId === by.obligationId);
    const closed = at('readmit.obligation.discharged');
    const begun = before.some((one) => one.type === 'readmit.execution.started' && one.data.caseId === by.caseId);
    const open = at('readmit.obligation.recorded') >= 0 && (closed < 0 || at('readmit.revocation.due') > closed);
    return begun && open ? [] : [`(e) ${fact.data.obligationId} was discharged for ${by.obligationId}, which was not open`];
  });
}

const spoiling = ['close-old', 'drop-old', 'make-new', 'drop-new', 'comment-new', 'rename-old', 'rename-new', 'until-new', 'until-old'];

function judgeAccount(
  house: Installation,
  target: RealTarget,
  { roles, memberships }: Shown,
  made: ReadonlyMap<string, string>,
  working: readonly string[],
): string[] {
  const wrong: string[] = [];
  const stopped = new Set([...house.of('readmit.containment.ordered'), ...house.of('readmit.case.frozen')].map(({ data }) => data.caseId));
  const tookOver = new Set(
    house
      .of('readmit.obligation.discharged')
      .filter(({ data }) => data.how === 'taken-over')
      .map(({ data }) => data.caseId)
      .filter((caseId) => !stopped.has(caseId)),
  );
  const overdue = new Set([...overdueObligations(house)].map((id) => id.slice(0, id.lastIndexOf('/'))));
  for (const [oid, caseId] of made) {
    const login = roles.find((one) => one.oid === oid);
    // Opened again by somebody else, it is theirs.
    if (login?.login && !tookOver.has(caseId) && !overdue.has(caseId)) wrong.push(`(c) ${login.name}, made by ${caseId}, can log in`);
  }
  const byDba = target.did.some((act) => spoiling.includes(act));
  const oldByDba = target.did.some((act) => ['close-old', 'drop-old', 'until-old'].includes(act));
  const owners = roles.filter(
    ({ oid, login }) => login && memberships.some((one) => one.member === oid && one.role === target.oids['payroll']),
  );
  if (tookOver.size > 0 && !byDba && (owners.length === 0 || working.length === 0)) wrong.push('(c) the account has no login that works');
  const first = roles.find(({ oid }) => oid === target.oids['payroll_a']);
  if (house.of('readmit.execution.succeeded').length === 0 && !oldByDba && (!first?.login || first.until !== null))
    wrong.push(`(c) nothing succeeded, and the first login is not as it was: its end is ${first?.until}`);
  return wrong;
}
