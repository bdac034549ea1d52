import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span in the JSON encoding of OTLP. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  /** Service that sent it. */
  readonly sentBy: string;
}
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string;
        readonly value: { readonly stringValue?: string; readonly intValue?: number };
      }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly Omit<Span, 'sentBy'>[] }[];
  }[];
}

/** Receives traces over OTLP/HTTP, like a collector. */
export async function startReceiver(): Promise<{
  readonly url: string;
  readonly spans: readonly Span[];
  /** All request bodies. */
  text(): string;
  close(): Promise<void>;
}> {
  const spans: Span[] = [];
  const bodies: string[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/json') {
        response.writeHead(415).end();
        return;
      }
      const body = Buffer.concat(chunks).toString('utf8');
      bodies.push(body);
      for (const { resource, scopeSpans } of (JSON.parse(body) as ExportRequest).resourceSpans) {
        const of = (name: string): string => {
          const value = resource.attributes.find(({ key }) => key === name)?.value;
          return value?.stringValue ?? String(value?.intValue ?? '');
        };
        for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ ...span, sentBy: of('service.name') });
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    text: () => bodies.join('\n'),
    close: () => new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve()))),
  };
}
