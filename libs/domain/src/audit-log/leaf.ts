import type { EventType, Fact } from '@readmit/contracts';
import type { LogTools } from './tools.js';
import { hexOf, utf8 } from './tools.js';

/**
 * A leaf of the log: a small self-describing record with the digest of the signed event. It has only fields that are public
 * in the catalogue, so erasing evidence or free text leaves the log intact (R7.8).
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
  /** Who did it, if a public field has it. */
  readonly actor?: string;
  /** How it ended, if a public field has it. */
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

/** The leaf of the event at the index: a function of signed bytes and index, so that a verifier can compute it. */
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

/** Paths into the data; the first with a string is used. */
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
    // Keeps free text out of the leaf.
    if (typeof value === 'string' && tools.contracts.isId(value)) return value;
  }
  return undefined;
}
