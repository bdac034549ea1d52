import type { RealTargets } from '../real/real-targets.js';
import { askAsErin, decision, mailReceived } from './desk.js';
import type { Follower, Stage } from './stage.js';

const group = 'finance-admins';
const ask = `group.restore=directory/erin/${group}`;

/** A group for seconds; then two grants of it that overlap. When this returns, OpenLDAP is stopped while the second one lasts. */
export async function groupsInLdap(
  stage: Stage,
  keys: string,
  real: RealTargets,
): Promise<{ readonly cases: readonly string[]; readonly lasting: Follower }> {
  const { directory } = real;
  stage.title('1. Erin’s group in OpenLDAP');
  const isMember = (): Promise<boolean> => hasErin(directory);
  const others = (await directory.membersOf(group)).filter((member) => member !== 'erin').join();
  stage.check(`before: OpenLDAP does not list Erin in ${group}`, !(await isMember()));
  const seconds = await granted(stage, keys, 'The sync removed me from the group', '6s');
  stage.check(`granted: OpenLDAP lists Erin in ${group}`, await isMember());
  await seconds.until('readmit.case.closed', 60_000);
  stage.check(
    'it expired automatically (R6.2)',
    (await seconds.look()).some(({ type, says }) => type === 'readmit.revocation.due' && says.includes('the grant expired')),
  );
  stage.check('after: it does not any more', !(await isMember()));
  const left = (await directory.membersOf(group)).join();
  stage.check(`the other members are still there: ${others} (R6.5)`, left === others, left);

  stage.say('Two cases ask for the same group before either is granted.');
  const first = await asked(stage, 'Month-end closing', '15m');
  const second = await asked(stage, 'Audit of the closing', '20s');
  await approved(stage, keys, first);
  await approved(stage, keys, second);
  await stage.done('erin', ['case', 'end', first.caseId, '--reason', 'closing is done']);
  await first.until('readmit.case.closed', 60_000);
  stage.check('the end of one leaves what the other grants: Erin is still in the group (R6.5)', await isMember());
  await mailReceived(stage, real, { to: 'erin@example.test', caseId: seconds.caseId });
  stage.say('Mallory kills OpenLDAP before the second grant expires. Everything else continues meanwhile.');
  await directory.kill();
  return { cases: [seconds.caseId, first.caseId, second.caseId], lasting: second };
}

/** The second grant expired while OpenLDAP was stopped. */
export async function ldapIsBack(stage: Stage, { directory }: RealTargets, lasting: Follower): Promise<void> {
  stage.title('5. OpenLDAP is back');
  await lasting.until('readmit.revocation.overdue', 180_000);
  const before = await lasting.look();
  stage.check(
    'the grant expired while OpenLDAP was down: each try to end it is recorded, and that it is overdue (R6.3)',
    before.some(({ type }) => type === 'readmit.revocation.failed') && !before.some(({ type }) => type === 'readmit.revocation.confirmed'),
  );
  await directory.restart();
  stage.check('Erin is still in the group', await hasErin(directory));
  await lasting.until('readmit.revocation.confirmed', 180_000);
  stage.check('the revocation is proven: OpenLDAP does not list Erin any more', !(await hasErin(directory)));
  await lasting.until('readmit.case.closed', 60_000);
}

/** As the administrator of OpenLDAP sees it, not as the connector does. */
const hasErin = async ({ membersOf }: RealTargets['directory']): Promise<boolean> => (await membersOf(group)).includes('erin');

const asked = (stage: Stage, reason: string, duration: string): Promise<Follower> => askAsErin(stage, ask, reason, duration);

async function approved(stage: Stage, keys: string, follow: Follower): Promise<void> {
  await stage.done('chidi', decision(keys, 'chidi', 'approve', follow.caseId));
  await stage.done('dana', decision(keys, 'dana', 'approve', follow.caseId));
  await follow.until('readmit.execution.succeeded');
}

async function granted(stage: Stage, keys: string, reason: string, duration: string): Promise<Follower> {
  const follow = await asked(stage, reason, duration);
  await approved(stage, keys, follow);
  return follow;
}
