import { askKinds, type AskKind, type OpenCase } from '@readmit/contracts';
import { askTable } from '@readmit/domain';
import type { Static } from 'typebox';
import { usage } from './errors.js';

interface AtTarget {
  readonly connector: string;
  readonly object: string;
  readonly entitlement?: string | undefined;
}
/** `connector/object[/entitlement]`, the form in which it is asked for. */
export const targetText = ({ connector, object, entitlement }: AtTarget): string =>
  `${connector}/${object}${entitlement === undefined ? '' : `/${entitlement}`}`;
export const askText = (ask: AtTarget & { readonly kind: string }): string => `${ask.kind} ${targetText(ask)}`;

export type AskInput = Static<typeof OpenCase>['asks'][number];

const next =
  'Write kind=connector/object or kind=connector/object/entitlement, e.g. role.restore=target-postgres/erin/app_admin; if the object contains a slash: --ask \'{"kind":"role.restore","connector":"target-postgres","object":"a/b","entitlement":"app_admin"}\'.';

/**
 * `kind=connector/object[/entitlement]`, e.g. `role.restore=target-postgres/erin/app_admin`. An entitlement may have slashes of its own. For an
 * object that has one there is the form that leaves nothing open: the same as JSON.
 */
export function parseAsk(text: string): AskInput {
  if (text.trimStart().startsWith('{')) return fromJson(text);
  const at = text.indexOf('=');
  if (at < 0) throw usage(`"${text}" is not an ask`, next);
  const kind = kindOf(text.slice(0, at));
  const [connector, object, ...rest] = text.slice(at + 1).split('/');
  const entitlement = rest.length === 0 ? undefined : rest.join('/');
  if (!connector || !object || entitlement === '') throw usage(`"${text}" does not name connector and object`, next);
  return whole(text, { kind, connector, object, ...(entitlement === undefined ? {} : { entitlement }) });
}

function fromJson(text: string): AskInput {
  let value: Partial<Record<keyof AskInput, unknown>> | undefined;
  try {
    value = JSON.parse(text) as NonNullable<typeof value>;
  } catch {
    throw usage(`"${text}" is not JSON`, next);
  }
  const { kind, connector, object, entitlement, ...more } = value;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw usage(`An ask has no "${unknown}"`, next);
  const names = [connector, object, ...(entitlement === undefined ? [] : [entitlement])];
  if (!names.every((name) => typeof name === 'string' && name !== '')) throw usage(`"${text}" does not name connector and object`, next);
  return whole(text, {
    kind: kindOf(String(kind)),
    connector: String(connector),
    object: String(object),
    ...(entitlement === undefined ? {} : { entitlement: String(entitlement) }),
  });
}

/** Asks for a role or group that name none can only fail, after a case was opened for them. */
function whole(text: string, ask: AskInput): AskInput {
  const { entitlement } = askTable[ask.kind];
  if (ask.entitlement === undefined && entitlement !== undefined) throw usage(`"${text}" does not name the ${entitlement}`, next);
  return ask;
}

function kindOf(kind: string): AskKind {
  if (!isAskKind(kind)) throw usage(`"${kind}" is not a kind of ask`, `Kinds: ${askKinds.join(', ')}.`);
  return kind;
}
const isAskKind = (kind: string): kind is AskKind => (askKinds as readonly string[]).includes(kind);
