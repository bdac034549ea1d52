/** A running installation with everybody signed in, over HTTP and with the CLI, and cases that are driven up to a point. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { until } from '@readmit/testing';
import { CliSteps, HttpSteps, type CaseSteps, type Entry, type Opened, type Opening } from './case-steps.js';
import { newStateDir, processesOf, startInstallation, type Installation } from './installation.js';

const people = ['ada', 'ada-admin', 'boris', 'chidi', 'dana', 'erin', 'gita', 'mallory', 'pat'] as const;
export let system: Installation;
export let http: HttpSteps;
export let cli: CliSteps;

/** Starts it before the tests of a file and stops it after them. `cliPeople`: who also signs in with the CLI. */
export function useRunningSystem(cliPeople: readonly (typeof people)[number][] = people): void {
  let state: Awaited<ReturnType<typeof newStateDir>>;
  beforeAll(async () => {
    state = await newStateDir();
    system = await startInstallation(state.dir, ['--fresh']);
    http = new HttpSteps(system);
    cli = new CliSteps(system);
    await Promise.all([...people.map((persona) => http.signIn(persona)), ...cliPeople.map((persona) => cli.signIn(persona))]);
  });
  afterAll(async () => {
    const code = await system.stop();
    const left = await processesOf(state.dir);
    await state.remove();
    expect({ code, left }).toEqual({ code: 130, left: [] });
  });
}

/** Waits until the case has such an event. Polls over HTTP, because a CLI process for each poll would be slow. */
export const fact = (caseId: string, type: string, matching: (entry: Entry) => boolean = () => true): Promise<Entry> =>
  until(async () => (await http.timeline('gita', caseId)).find((entry) => entry.type === type && matching(entry)), {
    what: `${caseId} has ${type}`,
  });
export const typesOf = async (caseId: string): Promise<readonly string[]> => (await http.timeline('gita', caseId)).map(({ type }) => type);

export const ada: Opening = {
  subject: { kind: 'person', id: 'ada' },
  ask: { kind: 'factor.bypass', connector: 'demo-idp', object: 'ada' },
  reasonCode: 'lost-device',
  seconds: 600,
};
export const erin: Opening = {
  by: 'erin',
  subject: { kind: 'person', id: 'erin' },
  ask: { kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' },
  reasonCode: 'role-lost',
  seconds: 600,
};
export const payroll: Opening = {
  by: 'pat',
  subject: { kind: 'machine', id: 'svc-payroll' },
  ask: { kind: 'secret.rotate', connector: 'target-postgres', object: 'payroll' },
  reasonCode: 'secret-dead',
  seconds: 600,
};
export const done = { signal: 0 };

/** Opens the case and adds its proofs, up to the request for decisions. */
export async function opened(steps: CaseSteps, opening: Opening): Promise<Opened> {
  const one = await steps.open(opening);
  await fact(one.caseId, 'readmit.plan.proposed');
  const proofs =
    opening === payroll
      ? [{ kind: 'owner-confirmation', channel: 'directory' }]
      : [
          { kind: 'call-back', channel: 'phone', contact: await steps.phone('boris', one.caseId), code: one.code },
          ...(opening === ada ? [{ kind: 'manager-vouch', channel: 'directory' }] : []),
        ];
  const outcomes = await Promise.all(proofs.map((evidence) => steps.prove('boris', one.caseId, evidence)));
  for (const outcome of outcomes) expect(outcome).toMatchObject(done);
  await fact(one.caseId, 'readmit.approval.requested');
  return one;
}
/** Everybody who is needed for the quorum signs, at the same time. */
export async function approved(steps: CaseSteps, opening: Opening, caseId: string): Promise<void> {
  const approvers = opening === ada ? ['chidi'] : ['chidi', 'dana'];
  for (const outcome of await Promise.all(approvers.map((approver) => steps.decide(approver, caseId, 'approve'))))
    expect(outcome).toMatchObject(done);
}
/** Opens, proves and approves the case, until it is granted. */
export async function granted(steps: CaseSteps, opening: Opening): Promise<Opened> {
  const one = await opened(steps, opening);
  await approved(steps, opening, one.caseId);
  await fact(one.caseId, 'readmit.execution.succeeded');
  return one;
}
