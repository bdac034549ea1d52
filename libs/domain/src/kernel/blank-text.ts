import { refusal, type CommandRefusal } from './behaviour.js';

/** Invisible although Unicode calls it a letter or a symbol: fillers, the blank of Braille, the empty note head. */
const invisible = String.raw`\p{Default_Ignorable_Code_Point}\u2800\u{1D159}`;
const visible = new RegExp(`(?![${invisible}])[\\p{L}\\p{N}\\p{P}\\p{S}]`, 'u');

/** Whether nobody can see anything in the text: no letter, digit, punctuation or symbol. Such a reason is none (R4.5). */
export const isBlank = (text: string): boolean => !visible.test(text);

/** Why somebody gives an order. The words stay with the service, their salted digest is said. */
export interface OrderReason {
  readonly reason: string;
  readonly digest: string;
}

/** Why such a reason is not taken, or undefined. Asked inside of commands, so that the refusal is on record. */
export const blankReason = (reason: string): CommandRefusal | undefined =>
  isBlank(reason)
    ? refusal(
        'invalid',
        'R4.5',
        'reason-blank',
        'The reason has nothing that can be read. Say in words why, and send it anew (a decision is signed anew).',
      )
    : undefined;
