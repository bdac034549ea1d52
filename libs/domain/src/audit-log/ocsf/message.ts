/** The message of a record: who did what, to what, and for whose recovery. Ids and catalogue terms only, no free text. */
import { affectedText } from '../../case-view/sentences.js';
import type { Whose } from './whose.js';

export interface MessageParts {
  /** What happened and who did it, in one clause. */
  readonly happened: string;
  /** Reason of a failure. */
  readonly code?: string;
  readonly whose?: Whose;
}

/** Ids may have 255 characters each, and lists may be long. */
const longest = 1000;
const listed = 3;

export function messageOf({ happened, code, whose }: MessageParts): string {
  const event = `${happened.charAt(0).toUpperCase()}${happened.slice(1)}${code === undefined ? '' : ` (${code})`}`;
  const text = whose === undefined ? event : `${event}: ${list(whose.what.map(affectedText))}; ${caseText(whose)}`;
  return text.length < longest ? `${text}.` : `${text.slice(0, longest - 1)}…`;
}

function caseText({ subject, requester, approvers = [] }: Whose): string {
  const asked = `recovery of ${subject.id}, requested by ${requester.id ?? 'somebody without a sign-in'}`;
  return approvers.length === 0 ? asked : `${asked}, approved by ${list(approvers)}`;
}

const list = (items: readonly string[]): string =>
  items.length > listed ? `${items.slice(0, listed).join(', ')} and ${items.length - listed} more` : items.join(', ');
