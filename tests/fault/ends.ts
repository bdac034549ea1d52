import pg from 'pg';
import { asTargetOwner, type Recovery, type World } from './recoveries.js';

/** Everything in topics, services and above all targets that shows that a case has not ended as it must. Empty if it has. */
export async function notEnded(world: World, recovery: Recovery): Promise<readonly string[]> {
  const findings: string[] = [];
  const expect = (holds: boolean, what: string): void => {
    if (!holds) findings.push(what);
  };
  const facts = await world.witness.of(recovery.caseId);
  const of = (type: string): readonly Readonly<Record<string, unknown>>[] =>
    facts.filter((fact) => fact.type === type).map(({ data }) => data);
  const once = (type: string): void => {
    const times = of(type).length;
    expect(times === 1, `${type} was published ${times} times`);
  };
  const closed = of('readmit.case.closed');
  expect(closed.length > 0, 'the case is not closed');
  expect(closed.length < 2, `the case was closed ${closed.length} times`);
  for (const { outcome } of closed) expect(outcome === 'completed', `the outcome is ${String(outcome)}`);
  for (const type of ['readmit.execution.started', 'readmit.execution.succeeded', 'readmit.approval.granted']) once(type);
  expect(of('readmit.execution.failed').length === 0, 'the execution failed');

  // Obligations for a repudiation are never due in these runs.
  const owed = of('readmit.obligation.recorded').filter(({ undo }) => (undo as { armedBy: string }).armedBy !== 'repudiation');
  const recorded = owed.map(({ obligationId }) => String(obligationId));
  expect(recorded.length > 0, 'no obligation is recorded');
  for (const obligation of recorded) {
    const about = (type: string): readonly Readonly<Record<string, unknown>>[] =>
      of(type).filter(({ obligationId }) => obligationId === obligation);
    expect(about('readmit.obligation.recorded').length === 1, `${obligation} was recorded again`);
    const discharged = about('readmit.obligation.discharged');
    expect(discharged.length > 0, `${obligation} is open`);
    expect(discharged.length < 2, `${obligation} was discharged ${discharged.length} times`);
    // Nothing is undone if it ended by itself (a secret that was taken over).
    const undone = discharged[0]?.['how'] === 'undone' ? 1 : 0;
    const confirmed = about('readmit.revocation.confirmed').length;
    expect(confirmed === undone, `${obligation} was confirmed ${confirmed} times`);
  }
  const shown = await world.stage.cli('gita', ['obligations', recovery.caseId], { quiet: true });
  const open = Array.isArray(shown.json)
    ? shown.json.filter(
        ({ state, undo }: { state: string; undo: { armedBy: string } }) => state !== 'discharged' && undo.armedBy !== 'repudiation',
      )
    : undefined;
  expect(open?.length === 0, `the scheduler shows ${open?.length ?? 'no'} open obligations`);
  return [...findings, ...(await grantsLeft(world, recovery))];
}

/** Grants that still exist at the target. */
export async function grantsLeft({ system, witness }: World, recovery: Recovery): Promise<readonly string[]> {
  if (recovery.kind === 'bypass') {
    const response = await fetch(`${system.demo.url}/demo/admin/people/${recovery.object}`, {
      headers: { authorization: `Bearer ${await system.demo.token('readmit-execution')}` },
    });
    const person = (await response.json()) as { bypass: { state: string; for?: string } };
    return person.bypass.state === 'closed' && person.bypass.for === recovery.caseId
      ? []
      : [`the bypass of ${recovery.object} is ${person.bypass.state}`];
  }
  if (recovery.kind === 'role')
    return asTargetOwner(system, async (client) => {
      const { rows } = await client.query(
        'SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = $1',
        [recovery.object],
      );
      const roles = rows.map(({ rolname }: { rolname: string }) => rolname);
      return [
        ...(roles.includes('app_admin') ? [`${recovery.object} is a member of app_admin`] : []),
        ...(roles.includes('app_reader') ? [] : [`${recovery.object} lost app_reader, which it had before`]),
      ];
    });
  const undone = (await witness.of(recovery.caseId)).filter(
    ({ type, data }) => type === 'readmit.obligation.discharged' && data['how'] === 'undone',
  );
  const logins = (await witness.of(recovery.caseId))
    .filter(
      ({ type, data }) => type === 'readmit.obligation.recorded' && undone.some((one) => one.data['obligationId'] === data['obligationId']),
    )
    .map(({ data }) => (data['undo'] as { object: string }).object);
  const left = await Promise.all(
    logins.map((login) =>
      asTargetOwner(system, async (client) => {
        const { rows } = await client.query<{ open: boolean }>('SELECT rolcanlogin AS open FROM pg_roles WHERE rolname = $1', [login]);
        return rows[0]?.open ? [`the old login ${login} is open`] : [];
      }),
    ),
  );
  return logins.length > 0 ? left.flat() : ['no old login was destroyed'];
}

/** SQLSTATE with which the target refuses the login, or `open`. */
export async function loginRefused({ system }: World, user: string, password: string): Promise<string> {
  const client = new pg.Client({ host: '127.0.0.1', port: system.target.port, user, password, database: 'target' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return 'open';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
