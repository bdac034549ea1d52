import type { NoticeAbout } from './case-notices.js';
import { outcomeOf } from './case-outcome.js';
import type { IntakeFacts } from './intake.facts.js';

/** What a letter says of the case, from what is known when it is written: a grant is never told as a refusal. */
function newsOf(about: NoticeAbout, facts: IntakeFacts): string {
  switch (about) {
    case 'opened':
      return 'Somebody asked for a way back into an account of yours. Nothing has been granted.';
    case 'executed':
      return 'A way back into an account of yours was granted.';
    case 'ended':
      return endedNews(facts);
    case 'contained':
      return 'A recovery of an account of yours was stopped after it had ended, and what it gave is taken back.';
    case 'refused':
      return facts.has('readmit.approval.granted')
        ? 'A way back into an account of yours was approved and not carried out. What had been begun is taken back.'
        : 'A request for a way back into an account of yours was not granted.';
  }
}

function endedNews(facts: IntakeFacts): string {
  if (outcomeOf(facts) === 'frozen') return 'A recovery of an account of yours was stopped, and what it gave has been taken back.';
  const stays = facts.has('readmit.enrolment.confirmed')
    ? ' The new factor that was enrolled stays: whoever has it can sign in.'
    : facts.of('readmit.obligation.discharged').some(({ data }) => data.how === 'taken-over')
      ? ' The new secret stays in use.'
      : ' Nothing of it stays but what the recovery itself changed.';
  return `A recovery of an account of yours is complete, and what was lent for it has been taken back.${stays}`;
}

/** How to say that it was somebody else, without a sign-in, at any time: the code opens nothing, it only ends (R2.6, R5.4). */
const waysOut = (caseId: string, code: string | undefined): string =>
  code === undefined
    ? 'If it was not you, call the help desk at once and name the case, also when you read this late.'
    : `If it was not you, say so at once, also when you read this late: readmit case repudiate ${caseId} --code ${code} --reason "..." or read case and code to the help desk. The code opens nothing, it only ends.`;

/** No link: nothing that is mailed grants access by itself, and nobody should learn to follow one (R2.6). */
export const letterOf = (about: NoticeAbout, facts: IntakeFacts, caseId: string, code: string | undefined): string =>
  `${newsOf(about, facts)} Case ${caseId}. ${waysOut(caseId, code)}`;
