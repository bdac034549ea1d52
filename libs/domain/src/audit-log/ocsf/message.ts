/** The sentence of a record: who did what, to what, and whose recovery it belongs to. Ids and words of the catalogue alone, never a person's text. */
import type { Affected, Whose } from './whose.js';

export interface MessageParts {
  /** What happened, as the mapping or else the catalogue says it. */
  readonly says: string;
  /** Who did it, where the words before do not say so. */
  readonly by?: string;
  /** Reason of a failure. */
  readonly code?: string;
  readonly whose?: Whose;
}

/** Ids may have 255 characters each, and lists are long in the worst case. */
const longest = 1000;
const listed = 3;

export function messageOf({ says, by, code, whose }: MessageParts): string {
  const happened = `${says.charAt(0).toUpperCase()}${says.slice(1)}${by === undefined ? '' : ` by ${by}`}${code === undefined ? '' : ` (${code})`}`;
  const text = whose === undefined ? happened : `${happened}: ${list(whose.what.map(affectedText))}; ${caseText(whose)}`;
  return text.length < longest ? `${text}.` : `${text.slice(0, longest - 1)}…`;
}

export const affectedText = ({ kind, connector, object, entitlement }: Affected): string =>
  `${kind}${entitlement === undefined ? '' : ` ${entitlement}`} for ${object} at ${connector}`;

function caseText({ subject, requester, approvers = [] }: Whose): string {
  const asked = `recovery of ${subject.id}, asked for by ${requester.id ?? 'somebody without a sign-in'}`;
  return approvers.length === 0 ? asked : `${asked}, approved by ${list(approvers)}`;
}

const list = (items: readonly string[]): string =>
  items.length > listed ? `${items.slice(0, listed).join(', ')} and ${items.length - listed} more` : items.join(', ');
