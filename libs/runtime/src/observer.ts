import type { Draft } from '@readmit/contracts';
import type { Facts } from '@readmit/domain';

/** An event that was just committed. */
export type EmittedEvent = Draft & {
  /** ISO 8601, by the database's clock. */
  readonly at: string;
  /** Everything that is known of what it is about; empty for what no set keeps. */
  readonly facts: Facts;
};

/** Something that takes its time and has a place in a trace. Attributes MUST be public: kinds, types and case ids, never what they are about. */
export interface SpanAbout {
  readonly name: string;
  readonly kind: 'consumer' | 'internal' | 'client';
  /** W3C trace context of what led to it. */
  readonly parent: string;
  /** Of another trace that it belongs to as well. */
  readonly link?: string | undefined;
  readonly attributes: Readonly<Record<string, string | number>>;
}
export interface OpenSpan {
  /** Parent of the spans of what follows from it. */
  readonly traceparent: string;
  /** Runs the work with the span as the one that is under way. */
  within<R>(work: () => R): R;
  /** Ends it. Of an error only its kind is kept: its message may quote anything. */
  end(error?: unknown): void;
}

/** Told what an engine does, for metrics and traces. Its functions MUST be quick and MUST NOT throw. */
export interface EngineObserver {
  /** After each commit, the events that it holds. */
  emitted?(events: readonly EmittedEvent[]): void;
  /** Opens a span; undefined: its trace is not sampled. Absent: nobody traces, and nothing is spent on it. */
  span?(about: SpanAbout): OpenSpan | undefined;
}
