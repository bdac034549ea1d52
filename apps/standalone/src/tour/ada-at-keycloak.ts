import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { KeycloakBrowser, Visit } from '../real/browser.js';
import type { RealTargets } from '../real/real-targets.js';
import type { System } from '../system.js';
import { callBack, decision, mailReceived, proof } from './desk.js';
import type { Follower, Stage } from './stage.js';

const account = 'sso/person-ada';

/** Ada's phone was stolen: her second factor is replaced at Keycloak. Then a bypass that she does not need any more ends. A browser proves each state. */
export async function adaAtKeycloak(
  stage: Stage,
  system: System,
  keys: string,
  { real, browser }: { readonly real: RealTargets; readonly browser: KeycloakBrowser },
): Promise<readonly string[]> {
  stage.title('2. Ada’s phone was stolen: a factor is replaced at Keycloak');
  const visits: Visit[] = [];
  const visit = async (): Promise<Visit> => {
    const one = await browser.visit();
    visits.push(one);
    await one.openApplication();
    await one.password(browser.person('ada'));
    return one;
  };
  try {
    await real.realm.giveDevice('ada');
    const thief = await visit();
    await thief.code(await browser.codeOf('ada'));
    await shows(stage, thief, 'signed in', 'before: a browser signs in at Keycloak with her password and the stolen phone');
    const replaced = await factorReplaced(stage, system, keys, { browser, thief, visit });
    const bypass = await bypassEnded(stage, system, keys, { real, browser, visit });
    for (const { caseId, code } of [replaced, bypass])
      await mailReceived(stage, real, { to: 'ada@example.test', caseId, withoutText: code });
    return [replaced.caseId, bypass.caseId];
  } finally {
    for (const one of visits) await one.close();
  }
}

async function factorReplaced(
  stage: Stage,
  system: System,
  keys: string,
  { browser, thief, visit }: { readonly browser: KeycloakBrowser; readonly thief: Visit; visit(): Promise<Visit> },
) {
  const opened = await stage.done('ada', ask('factor.reset', 'lost-device', 'My phone was stolen on the train'));
  const caseId = String(opened['caseId']);
  const follow = stage.follow(caseId);
  await proven(stage, follow, String(opened['code']));
  await stage.refused('boris', decision(keys, 'boris', 'approve', caseId), 'approver-is-verifier', 'the verifier approves', follow);
  await stage.refused(
    'ada-admin',
    decision(keys, 'ada-admin', 'approve', caseId),
    'approver-is-subject',
    'the same human under her second account approves',
    follow,
  );
  await stage.done('chidi', decision(keys, 'chidi', 'approve', caseId));
  await follow.until('readmit.execution.succeeded');

  await thief.openApplication();
  await shows(stage, thief, 'password', 'the session of the stolen phone is over: Keycloak asks for the password again');
  const ada = await visit();
  await shows(
    stage,
    ada,
    'one-time code',
    'with her password Keycloak asks for the one-time code; the stolen phone is not accepted any more',
  );
  const code = await pickedUp(stage, system, caseId);
  await ada.oneTimeCode(code);
  await shows(stage, ada, 'enrolment of a device', 'the code opens the enrolment of a new device');
  await browser.enrol('ada', ada);
  await shows(stage, ada, 'signed in', 'with the new device she is signed in');
  await follow.until('readmit.case.closed', 60_000);
  const after = await visit();
  await after.code(await browser.codeOf('ada'));
  await shows(stage, after, 'signed in', 'after: her password and the new device sign in');
  return { caseId, code };
}

/** The page for the code is open when the bypass ends: what is entered there then is refused. */
async function bypassEnded(
  stage: Stage,
  system: System,
  keys: string,
  { real, browser, visit }: { readonly real: RealTargets; readonly browser: KeycloakBrowser; visit(): Promise<Visit> },
) {
  stage.say('Ada leaves her new phone at home, asks for a bypass, and finds the phone in her bag.');
  const opened = await stage.done('ada', ask('factor.bypass', 'travel', 'Left my phone at home'));
  const caseId = String(opened['caseId']);
  const follow = stage.follow(caseId);
  await proven(stage, follow, String(opened['code']));
  await stage.done('chidi', decision(keys, 'chidi', 'approve', caseId));
  await follow.until('readmit.execution.succeeded');
  const code = await pickedUp(stage, system, caseId);
  const waiting = await visit();
  const offered = await waiting.tryOneTimeCode();
  stage.check('Keycloak offers to sign in with the one-time code', offered, await waiting.shown());
  await stage.done('ada', ['case', 'end', caseId, '--reason', 'I have found my phone']);
  await follow.until('readmit.case.closed', 60_000);
  await waiting.oneTimeCode(code);
  const shown = await waiting.shown();
  stage.check(
    `after its end the code is refused (${(await waiting.error()) || shown})`,
    shown !== 'signed in' && shown !== 'enrolment of a device',
    shown,
  );
  const again = await visit();
  stage.check('and Keycloak does not offer it any more', !(await again.tryOneTimeCode()), await again.shown());
  await again.openApplication();
  await again.password(browser.person('ada'));
  await again.code(await browser.codeOf('ada'));
  await shows(stage, again, 'signed in', 'her new phone still signs in');
  const credentials = await real.realm.credentialsOf('ada');
  stage.check('at Keycloak she has a password and one device, nothing else', credentials.join() === 'otp,password', credentials.join());
  return { caseId, code };
}

const ask = (kind: string, reasonCode: string, reason: string): readonly string[] => [
  ...['case', 'open', '--anonymous', '--subject', 'ada', '--ask', `${kind}=${account}`],
  ...['--reason-code', reasonCode, '--reason', reason, '--for', '15m'],
];

async function proven(stage: Stage, follow: Follower, code: string): Promise<void> {
  await follow.until('readmit.plan.proposed');
  await callBack(stage, follow.caseId, code);
  await proof(stage, follow.caseId, 'manager-vouch', 'her manager recognised her on video');
  await follow.until('readmit.approval.requested');
}

async function pickedUp(stage: Stage, system: System, caseId: string): Promise<string> {
  const file = path.join(system.stateDir, 'homes', 'ada', `bypass-${caseId}`);
  await stage.done('ada', ['secret', 'pick-up', caseId, '--out', file]);
  return (JSON.parse(await readFile(file, 'utf8')) as { code: string }).code;
}

async function shows(stage: Stage, visit: Visit, expected: Awaited<ReturnType<Visit['shown']>>, what: string): Promise<void> {
  const shown = await visit.shown();
  stage.check(what, shown === expected, `${shown} ${await visit.error()}`);
}
