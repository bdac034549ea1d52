import type { NoticeAbout } from './case-notices.js';
import { outcomeOf } from './case-outcome.js';
import type { IntakeFacts } from './intake.facts.js';

/** The news of a notice, from the facts when it is written: a grant is never reported as a refusal. */
function newsOf(about: NoticeAbout, facts: IntakeFacts): string {
  switch (about) {
    case 'opened':
      return 'Somebody requested access recovery for an account of yours. Nothing has been granted.';
    case 'executed':
      return 'Access recovery was granted for an account of yours.';
    case 'ended':
      return endedNews(facts);
    case 'contained':
      return 'A recovery of an account of yours was stopped after it had ended. What it gave is being taken back.';
    case 'refused':
      return facts.has('readmit.approval.granted')
        ? 'Access recovery for an account of yours was approved but not carried out. Anything that had been started is being taken back.'
        : 'A request for access recovery of an account of yours was not granted.';
  }
}

function endedNews(facts: IntakeFacts): string {
  if (outcomeOf(facts) === 'frozen') return 'A recovery of an account of yours was stopped, and what it gave has been taken back.';
  const stays = facts.has('readmit.enrolment.confirmed')
    ? ' The new factor that was enrolled stays: the person who has it can sign in.'
    : facts.of('readmit.obligation.discharged').some(({ data }) => data.how === 'taken-over')
      ? ' The new secret stays in use.'
      : ' Only what the recovery itself changed stays.';
  return `A recovery of an account of yours is complete, and temporary access has been taken back.${stays}`;
}

/** How to repudiate without a sign-in, at any time: the code gives no access, it can only end the case (R2.6, R5.4). */
const waysOut = (caseId: string, code: string | undefined): string =>
  code === undefined
    ? 'If it was not you, call the help desk at once and name the case, even if you read this late.'
    : `If it was not you, report it at once, even if you read this late: readmit case repudiate ${caseId} --code ${code} --reason "..." or read case and code to the help desk. The code gives no access, it can only end the case.`;

/** Without a link: mail never gives access, and people should not learn to follow links (R2.6). */
export const letterOf = (about: NoticeAbout, facts: IntakeFacts, caseId: string, code: string | undefined): string =>
  `${newsOf(about, facts)} Case ${caseId}. ${waysOut(caseId, code)}`;

/** The subject of a mail. Names no account and nothing that somebody wrote: it shows on locked screens, and is one line. */
export const noticeSubjects: Readonly<Record<NoticeAbout, string>> = {
  opened: 'Access recovery was requested for an account of yours',
  executed: 'Access recovery was granted for an account of yours',
  ended: 'An access recovery of an account of yours has ended',
  refused: 'An access recovery of an account of yours was not carried out',
  contained: 'An access recovery of an account of yours was stopped',
};
