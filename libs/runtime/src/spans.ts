/** Where what an engine does has its place in a trace. Without an observer that traces, each of these is a look at an option. */
import { inTrace, type Aggregate, type Origin } from './aggregate.js';
import type { Received } from './inbox.js';
import type { OpenSpan } from './observer.js';
import type { EngineOptions } from './options.js';
import type { WorkRow } from './work-row.js';

type Options = Pick<EngineOptions, 'observer' | 'definition'>;

/** A case's id is public; keys of other aggregates may name what a person holds. */
const caseOf = (key: string): { readonly 'readmit.case': string } | undefined =>
  key.startsWith('case_') ? { 'readmit.case': key } : undefined;

/** The message with a span for receiving it, which is the parent of what follows from it; the span is added to `spans`. */
export function traced({ observer, definition }: Options, received: Received, spans: OpenSpan[]): Received {
  const parent = received.origin.traceparent;
  if (!observer?.span || parent === undefined) return received;
  const span = observer.span({
    name: `receive ${received.fact.type}`,
    kind: 'consumer',
    parent,
    attributes: { 'readmit.service': definition.name, 'readmit.event': received.fact.type, ...caseOf(received.record.key) },
  });
  if (!span) return received;
  spans.push(span);
  return { ...received, origin: { ...received.origin, traceparent: span.traceparent } };
}

/** Ends the spans when it is over, well or not. */
export async function endWith<T>(spans: readonly OpenSpan[], done: Promise<T>): Promise<T> {
  try {
    const result = await done;
    for (const span of spans) span.end();
    return result;
  } catch (error) {
    for (const span of spans) span.end(error);
    throw error;
  }
}

/** A command on something that began in another trace has a span there too, linked to the request that gave it. */
export function commandSpan(
  { observer, definition }: Options,
  name: string,
  aggregate: Aggregate,
  traceparent: string | undefined,
): OpenSpan | undefined {
  const { trace } = aggregate;
  if (!observer?.span || trace === undefined || inTrace(traceparent, trace)) return undefined;
  return observer.span({
    name: `command ${name}`,
    kind: 'internal',
    parent: trace,
    link: traceparent,
    attributes: { 'readmit.service': definition.name, 'readmit.command': name, ...caseOf(aggregate.key) },
  });
}

/** One attempt of work, below what asked for it. */
export function attemptSpan({ observer, definition }: Options, row: WorkRow): OpenSpan | undefined {
  const parent = row.origin.traceparent;
  if (!observer?.span || parent === undefined) return undefined;
  return observer.span({
    name: `attempt ${row.kind}`,
    kind: 'client',
    parent,
    attributes: {
      'readmit.service': definition.name,
      'readmit.work': row.kind,
      'readmit.connector': row.connector,
      'readmit.attempt': row.tries,
      ...caseOf(row.key),
    },
  });
}

export const below = (origin: Origin, span: OpenSpan | undefined): Origin => (span ? { ...origin, traceparent: span.traceparent } : origin);
