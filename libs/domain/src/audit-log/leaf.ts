import type { EventType, Fact } from '@readmit/contracts';
import type { LogTools } from './tools.js';
import { hexOf, utf8 } from './tools.js';

/**
 * What a leaf of the log holds: a small record that every reader understands, and the digest of the signed event. It has no
 * field that is not public in the catalogue, so destroying evidence or a case's words leaves the log whole (R7.8).
 */
export interface Leaf {
  readonly v: 1;
  readonly index: number;
  readonly eventId: string;
  readonly type: EventType;
  /** Stable audit code of the type. */
  readonly code: string;
  readonly topic: string;
  readonly key: string;
  readonly at: string;
  /** Who, where a public field says so. */
  readonly actor?: string;
  /** How it ended, where a public field says so. */
  readonly outcome?: string;
  /** Hex SHA-256 of the bytes that the event's signature covers. */
  readonly sha256: string;
}

export interface LeafSource {
  readonly fact: Fact;
  readonly topic: string;
  readonly key: string;
  readonly signedBytes: Uint8Array;
}

/** The leaf that the event gives at the index: a function of signed bytes and position alone, so that a verifier can make it again. */
export function leafOf(index: number, { fact, topic, key, signedBytes }: LeafSource, tools: Pick<LogTools, 'contracts' | 'sha256'>): Leaf {
  const { code } = tools.contracts.entryOf(fact.type);
  const actor = named(fact, actorFields, tools);
  const outcome = named(fact, outcomeFields, tools);
  return {
    v: 1,
    index,
    eventId: fact.id,
    type: fact.type,
    code,
    topic,
    key,
    at: fact.at,
    ...(actor === undefined ? {} : { actor }),
    ...(outcome === undefined ? {} : { outcome }),
    sha256: hexOf(tools.sha256(signedBytes)),
  };
}

/** The entry bytes of a leaf: its JCS in UTF-8. */
export const entryBytes = (leaf: Leaf, tools: Pick<LogTools, 'crypto'>): Uint8Array => utf8(tools.crypto.canonical(leaf));

/** Paths into the data, the first that holds a string wins. */
const actorFields = ['actor', 'by', 'collectedBy', 'decision.statement.approver', 'requester.id', 'consumer'] as const;
const outcomeFields = ['outcome', 'how', 'effect', 'decision.statement.decision', 'action', 'cause', 'reason'] as const;

function named(fact: Fact, paths: readonly string[], tools: Pick<LogTools, 'contracts'>): string | undefined {
  const { fields } = tools.contracts.entryOf(fact.type);
  for (const path of paths) {
    const [field = '', ...rest] = path.split('.');
    if (fields[field] !== 'public') continue;
    let value: unknown = fact.data;
    for (const name of [field, ...rest])
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    // Free text stays out of the leaf: an id has no spaces.
    if (typeof value === 'string' && tools.contracts.isId(value)) return value;
  }
  return undefined;
}
