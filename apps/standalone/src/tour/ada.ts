import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as OTPAuth from 'otpauth';
import { callBack, decision, proof } from './desk.js';
import type { Stage } from './stage.js';
import { TopicView } from './topic-view.js';
import type { System } from '../system.js';

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}
async function post(url: string, body: unknown, session?: string): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(session ? { authorization: `Bearer ${session}` } : {}) },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json().catch(() => ({}))) as Record<string, unknown> };
}
const reasonOf = (answer: Answer): string => String(answer.body['reason'] ?? answer.body['type'] ?? answer.status);

/** Ada lost her phone: locked out, asks without a sign-in, is called back, gets a one-time bypass, enrols a new factor. */
export async function adaLostHerPhone(stage: Stage, system: System, keys: string): Promise<string> {
  stage.title('1. Ada lost her phone');
  const { url } = system.demo;
  const password = system.demo.people['ada']?.password ?? '';
  const signIn = (more: Record<string, string> = {}): Promise<Answer> =>
    post(`${url}/demo/sign-in`, { username: 'ada', password, ...more });

  stage.say('Mallory guesses Ada’s password five times; the demo identity provider locks the account and publishes the lockout.');
  for (let tries = 0; tries < 5; tries++) await post(`${url}/demo/sign-in`, { username: 'ada', password: `guess-${tries}` });
  const before = (await stage.done('gita', ['case', 'list', '--subject', 'ada'], { quiet: true })) as unknown as unknown[];
  await signalSeen(system);
  const after = (await stage.done('gita', ['case', 'list', '--subject', 'ada'], { quiet: true })) as unknown as unknown[];
  stage.check('the lockout is recorded as a signal and opens nothing (R1.8)', after.length === before.length);

  const opened = await stage.done('ada', [
    'case',
    'open',
    '--anonymous',
    '--subject',
    'ada',
    '--ask',
    'factor.replace=demo-idp/ada',
    '--ask',
    'account.unlock=demo-idp/ada',
    '--ask',
    'factor.bypass=demo-idp/ada',
    '--reason-code',
    'lost-device',
    '--reason',
    'My phone was stolen on the train',
    '--for',
    '15m',
  ]);
  const caseId = String(opened['caseId']);
  const follow = stage.follow(caseId);
  await follow.until('readmit.plan.proposed');
  await stage.refused(
    'boris',
    [
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
      'called the number from the request',
      '--code',
      String(opened['code']),
    ],
    'contact-not-on-record',
    'a call-back to a number that is not on record',
    follow,
  );
  await callBack(stage, caseId, String(opened['code']));
  await proof(stage, caseId, 'manager-vouch', 'her manager recognised her on video');
  await follow.until('readmit.approval.requested', 30_000, () => true);
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

  const bare = await signIn();
  stage.check('her password alone opens nothing', bare.status >= 400 && reasonOf(bare).includes('no-factor-enrolled'), reasonOf(bare));
  const secretFile = path.join(system.stateDir, 'homes', 'ada', `bypass-${caseId}`);
  await stage.done('ada', ['secret', 'pick-up', caseId, '--out', secretFile]);
  const { code } = JSON.parse(await readFile(secretFile, 'utf8')) as { code: string };
  await follow.until('readmit.secret.picked-up');
  const session = await signIn({ bypass: code });
  const token = String(session.body['session'] ?? '');
  stage.check('the bypass opens a session that can only enrol', session.body['scope'] === 'enrol-only', reasonOf(session));
  const me = await fetch(`${url}/demo/me`, { headers: { authorization: `Bearer ${token}` } });
  stage.check('that session can do nothing else', me.status === 403, String(me.status));
  const begun = await post(`${url}/demo/factors`, {}, token);
  const totp = OTPAuth.URI.parse(String(begun.body['uri'] ?? begun.body['otpauth'] ?? ''));
  if (!(totp instanceof OTPAuth.TOTP)) throw new Error('the demo did not offer a TOTP factor');
  const enrolled = await post(`${url}/demo/factors`, { code: totp.generate() }, token);
  stage.check('she enrols a new factor in it', enrolled.status === 201, reasonOf(enrolled));

  await follow.until('readmit.case.closed');
  const again = await signIn({ bypass: code });
  stage.check('the bypass is proven closed: used again it opens nothing', again.status >= 400, reasonOf(again));
  const gone = await post(`${url}/demo/factors`, {}, token);
  stage.check('the session that it opened is closed', gone.status === 401, reasonOf(gone));
  const alone = await signIn();
  stage.check('her password alone still opens nothing', alone.status >= 400, reasonOf(alone));
  const letters = (await (await fetch(`${url}/demo/mailbox`, { headers: { accept: 'application/json' } })).json()) as unknown;
  stage.check(
    'every notice went to her mailbox (demo) and none holds a code',
    JSON.stringify(letters).includes(caseId) && !JSON.stringify(letters).includes(code),
  );
  return caseId;
}

/** Waits until intake has said SignalReceived of Ada: it lies on intake's topic. */
async function signalSeen(system: System): Promise<void> {
  const view = await TopicView.open(system);
  try {
    await view.await('readmit.intake.v1', 'readmit.signal.received', 'subject:ada', 20_000);
  } finally {
    await view.close();
  }
}
