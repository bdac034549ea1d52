import { codeOf } from '@readmit/domain';
import type { Answer } from './client.js';
import type { Context } from './context.js';
import { crypto } from './log-tools.js';

/**
 * The code that the holder of the case's key reads out on a call-back (R3.4): computed here, from a nonce that only this key is shown and
 * its fingerprint. Undefined: no such key is here, or the case is not classified yet.
 */
export async function callBackCode(context: Context, one: Answer<'showCase'>): Promise<string | undefined> {
  if (one.codeNonce === undefined) return undefined;
  const key = await context.vault.caseKey(one.caseId);
  return key && codeOf(one.codeNonce, key.fingerprint, crypto);
}

/** What goes with every code that is shown. */
export const onlyOnACallBack = (code: string): string =>
  `When the help desk calls your number on record, read out this code: ${code}. Never give it to anyone who calls you on another number.`;
