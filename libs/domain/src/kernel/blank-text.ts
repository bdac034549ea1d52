import { refusal, type CommandRefusal } from './behaviour.js';

/** Invisible, although Unicode calls it a letter or a symbol: fillers, the Braille blank, the null notehead. */
const invisible = String.raw`\p{Default_Ignorable_Code_Point}\u2800\u{1D159}`;
const visible = new RegExp(`(?![${invisible}])[\\p{L}\\p{N}\\p{P}\\p{S}]`, 'u');

/** Whether the text shows nothing: no letter, digit, punctuation or symbol. Such a text is no reason (R4.5). */
export const isBlank = (text: string): boolean => !visible.test(text);

/** Why a person ends or stops a case. The text stays with the service; events have its salted digest. */
export interface OrderReason {
  readonly reason: string;
  readonly digest: string;
}

/** Refuses a blank reason. Called inside commands, so that the refusal is recorded. */
export const blankReason = (reason: string): CommandRefusal | undefined =>
  isBlank(reason)
    ? refusal(
        'invalid',
        'R4.5',
        'reason-blank',
        'The reason is blank. Give a reason in words and send it again (a decision must be signed again).',
      )
    : undefined;
