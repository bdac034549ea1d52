import { setTimeout as wait } from 'node:timers/promises';
import type { RealTargets } from '../real/real-targets.js';
import type { Follower, Stage } from './stage.js';

/** What an agent of the help desk does for a case: calls the line on record, has the code read out, records proofs. */
export async function callBack(stage: Stage, caseId: string, code: string | undefined): Promise<void> {
  const contacts = (await stage.done('boris', ['case', 'contacts', caseId])) as unknown as {
    kind: string;
    digest: string;
  }[];
  const phone = contacts.find((contact) => contact.kind === 'phone');
  if (!phone) throw new Error('no phone number is on record');
  const { value } = await stage.done('boris', ['case', 'contacts', caseId, '--show', phone.digest]);
  stage.say(`Boris calls ${String(value)}, the number on record${code ? `; the code ${code} is read out` : ''}.`);
  await stage.done('boris', [
    'evidence',
    'add',
    caseId,
    '--kind',
    'call-back',
    '--channel',
    'phone',
    '--assurance',
    'substantial',
    '--note',
    'called the line on record',
    '--contact',
    phone.digest,
    ...(code === undefined ? [] : ['--code', code]),
  ]);
}

export const proof = (stage: Stage, caseId: string, kind: string, note: string): Promise<unknown> =>
  stage.done('boris', ['evidence', 'add', caseId, '--kind', kind, '--channel', 'directory', '--assurance', 'substantial', '--note', note]);

/** The command line of a decision; the key is the persona's, made by the demo at its first start. */
export const decision = (keys: string, persona: string, choice: 'approve' | 'deny', caseId: string): string[] => [
  choice,
  caseId,
  '--reason',
  choice === 'approve' ? 'plan and proofs checked' : 'does not add up',
  '--key',
  `${keys}/${persona}.jwk`,
  '--yes',
];

/** Erin asks for her admin role, is called back, and her case waits for its two decisions. */
export const askForAdminRole = (stage: Stage, reason: string, duration: string): Promise<Follower> =>
  askAsErin(stage, 'role.restore=target-postgres/erin/app_admin', reason, duration);

/** The same for any role or group. */
export async function askAsErin(stage: Stage, ask: string, reason: string, duration: string): Promise<Follower> {
  const what = ['--subject', 'erin', '--ask', ask, '--reason-code', 'role-lost', '--ticket', 'OPS-4711'];
  const opened = await stage.done('erin', ['case', 'open', ...what, '--reason', reason, '--for', duration]);
  const follow = stage.follow(String(opened['caseId']));
  await follow.until('readmit.plan.proposed');
  await callBack(stage, follow.caseId, undefined);
  await follow.until('readmit.approval.requested');
  return follow;
}

/** Waits until the mail server has a mail about the case for the address. No mail may contain the text. */
export async function mailReceived(
  stage: Stage,
  { mail }: RealTargets,
  { to, caseId, withoutText }: { readonly to: string; readonly caseId: string; readonly withoutText?: string },
): Promise<void> {
  const deadline = Date.now() + 30_000;
  let mails = await mail.to(to);
  while (!mails.some((one) => one.includes(caseId)) && Date.now() < deadline) {
    await wait(200);
    mails = await mail.to(to);
  }
  const about = mails.filter((one) => one.includes(caseId));
  const clean = withoutText === undefined || !mails.some((one) => one.includes(withoutText));
  stage.check(
    `the mail server received notices of ${caseId} to ${to}${withoutText === undefined ? '' : ', none with the one-time code'}`,
    about.length > 0 && clean,
    clean ? 'none' : 'the code is in a mail',
  );
}
