import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import type { OpenSpan, SpanAbout } from '@readmit/runtime';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** One request, as everything below its handler may ask for it. */
export interface RequestScope {
  readonly requestId: string;
  /** W3C trace context that events of this request carry on. */
  readonly traceparent: string;
}
interface OpenScope extends RequestScope {
  readonly span: Span;
  readonly context: Context;
}
const scopes = new AsyncLocalStorage<RequestScope>();
const tracer = () => trace.getTracer('@readmit/service');
const wire = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = wire.exec(traceparent ?? '') ?? [];
  if (!traceId || !spanId || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags ?? '00', 16) & TraceFlags.SAMPLED, isRemote: true };
}
const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;

/** Trace context of the request under way, for the engine to put on the events it writes. */
export const currentTraceparent = (): string | undefined => scopes.getStore()?.traceparent;

/** Opens the span of a request. Without an SDK the span records nothing and the caller's trace context passes through, or a new one begins. */
export function openScope(request: {
  readonly requestId: string;
  readonly method: string;
  readonly route: string;
  readonly traceparent: string | undefined;
}): OpenScope {
  const above = spanContextOf(request.traceparent);
  const parent = above ? trace.setSpanContext(ROOT_CONTEXT, above) : ROOT_CONTEXT;
  const span = tracer().startSpan(
    `${request.method} ${request.route}`,
    {
      kind: SpanKind.SERVER,
      attributes: { 'http.request.method': request.method, 'http.route': request.route, 'readmit.request': request.requestId },
    },
    parent,
  );
  const own = span.spanContext();
  const traceparent = trace.isSpanContextValid(own)
    ? traceparentOf(own)
    : `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
  return { requestId: request.requestId, traceparent, span, context: trace.setSpan(parent, span) };
}

export const inScope = <R>(scope: OpenScope, work: () => R): R => scopes.run(scope, () => context.with(scope.context, work));

export function closeScope(scope: OpenScope, status: number): void {
  scope.span.setAttribute('http.response.status_code', status);
  if (status >= 500) scope.span.setStatus({ code: SpanStatusCode.ERROR });
  scope.span.end();
}
export type { OpenScope };

const kinds = { consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const;

/** Spans of what an engine does. What is not sampled costs a look at the flag of its trace context. */
export function openSpan({ name, kind, parent, link, attributes }: SpanAbout): OpenSpan | undefined {
  const above = spanContextOf(parent);
  if (!above || (above.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  const linked = spanContextOf(link);
  const around = trace.setSpanContext(ROOT_CONTEXT, above);
  const span = tracer().startSpan(
    name,
    { kind: kinds[kind], attributes: { ...attributes }, ...(linked ? { links: [{ context: linked }] } : {}) },
    around,
  );
  if (!span.isRecording()) return undefined;
  const within = trace.setSpan(around, span);
  return {
    traceparent: traceparentOf(span.spanContext()),
    within: (work) => context.with(within, work),
    end(error) {
      if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
      span.end();
    },
  };
}

let sdk: { readonly shutdown: () => Promise<void>; users: number } | undefined;

/**
 * Starts the OTLP exporter; the SDK is loaded only here, so a service without it pays nothing. Services that share a process
 * share the exporter. Resolves with what stops it: flushes within its own deadline, and the last user shuts it down.
 */
export async function startTelemetry(endpoint: string, service: string): Promise<() => Promise<void>> {
  if (!sdk) {
    const [{ NodeSDK }, { OTLPTraceExporter }] = await Promise.all([
      import('@opentelemetry/sdk-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
    const node = new NodeSDK({
      serviceName: `readmit-${service}`,
      traceExporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: 3000 }),
      instrumentations: [],
    });
    node.start();
    sdk = { shutdown: () => node.shutdown(), users: 0 };
  }
  const shared = sdk;
  shared.users++;
  return async () => {
    if (--shared.users > 0) return;
    sdk = undefined;
    await shared.shutdown();
  };
}
