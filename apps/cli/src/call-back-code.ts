import { codeOf } from '@readmit/domain';
import type { Answer } from './client.js';
import type { Context } from './context.js';
import { crypto } from './log-tools.js';

/**
 * What whoever holds the case's own key reads out when the desk calls back (R3.4): made here, of a nonce that only this key is shown and of
 * its fingerprint. Undefined: no such key is here, or the case is not classified yet.
 */
export async function callBackCode(context: Context, one: Answer<'showCase'>): Promise<string | undefined> {
  if (one.codeNonce === undefined) return undefined;
  const key = await context.vault.caseKey(one.caseId);
  return key && codeOf(one.codeNonce, key.fingerprint, crypto);
}

/** What goes with every code that is shown. */
export const onlyOnACallBack = (code: string): string =>
  `When the desk calls you on the number on record, read this code to them: ${code}. Never read it to somebody who calls from elsewhere.`;
