import { askKinds, type AskKind, type OpenCase } from '@readmit/contracts';
import type { Static } from 'typebox';
import { usage } from './errors.js';

export type AskInput = Static<typeof OpenCase>['asks'][number];

/** `kind=connector/object[/entitlement]`, e.g. `role.restore=target-postgres/erin/app_admin`. */
export function parseAsk(text: string): AskInput {
  const next = 'Write kind=connector/object or kind=connector/object/entitlement, e.g. role.restore=target-postgres/erin/app_admin.';
  const at = text.indexOf('=');
  if (at < 0) throw usage(`"${text}" is not an ask`, next);
  const kind = text.slice(0, at);
  if (!isAskKind(kind)) throw usage(`"${kind}" is not a kind of ask`, `Kinds: ${askKinds.join(', ')}.`);
  const parts = text.slice(at + 1).split('/');
  const [connector, object, entitlement] = parts;
  if (!connector || !object || parts.length > 3 || entitlement === '') throw usage(`"${text}" does not name connector and object`, next);
  return { kind, connector, object, ...(entitlement === undefined ? {} : { entitlement }) };
}

const isAskKind = (kind: string): kind is AskKind => (askKinds as readonly string[]).includes(kind);
