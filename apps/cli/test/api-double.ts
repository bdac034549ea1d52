/** A double of the API for specs: canned answers that must fit the contract, and a record of what was asked. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Problem, routes, type Route, type RouteName } from '@readmit/contracts';
import { Ajv } from 'ajv';
import type { TSchema } from 'typebox';

export interface Seen {
  readonly route: RouteName | undefined;
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly raw: string;
  readonly body: unknown;
}
type Canned = { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> };

const ajv = new Ajv({ strict: false, allErrors: true });
function mustFit(schema: TSchema, value: unknown, what: string): void {
  const validate = ajv.compile(schema);
  if (!validate(value)) throw new Error(`${what} does not fit the contract: ${ajv.errorsText(validate.errors)}`);
}

export class ApiDouble {
  readonly seen: Seen[] = [];
  private readonly canned = new Map<RouteName, Canned[]>();
  private constructor(private readonly server: Server) {}

  static async start(): Promise<ApiDouble> {
    const server = createServer();
    const double = new ApiDouble(server);
    server.on('request', (request, response) => {
      void double.take(request).then(({ status, body, headers }) => {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        response
          .writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', ...headers })
          .end(text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return double;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  /** The answers of a route, in order; the last one stays. */
  on(name: RouteName, ...bodies: readonly unknown[]): this {
    const route: Route = routes[name];
    for (const body of bodies) mustFit(route.response, body, `the answer of ${name}`);
    this.canned.set(
      name,
      bodies.map((body) => ({ status: route.status, body })),
    );
    return this;
  }
  refuse(
    name: RouteName,
    status: number,
    problem: { readonly reason: string; readonly rule?: string; readonly title?: string; readonly detail?: string },
    headers: Readonly<Record<string, string>> = {},
  ): this {
    const body = { type: `urn:readmit:problem:${problem.reason}`, title: problem.title ?? 'Refused', status, ...problem };
    mustFit(Problem, body, `the problem of ${name}`);
    this.canned.set(name, [{ status, body, headers }]);
    return this;
  }
  /** Bytes as they are, for answers that break the contract on purpose. */
  raw(name: RouteName, status: number, body: string): this {
    this.canned.set(name, [{ status, body }]);
    return this;
  }
  of(name: RouteName): readonly Seen[] {
    return this.seen.filter(({ route }) => route === name);
  }

  private async take(request: IncomingMessage): Promise<Canned> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks).toString();
    const { method = '', url: target = '', headers } = request;
    const name = routeOf(method, target.split('?')[0] ?? '');
    const body: unknown = raw === '' ? undefined : JSON.parse(raw);
    this.seen.push({ route: name, method, target, headers, raw, body });
    const answers = name === undefined ? undefined : this.canned.get(name);
    const answer = answers && answers.length > 1 ? answers.shift() : answers?.[0];
    if (!answer || name === undefined)
      return {
        status: 500,
        body: { type: 'urn:readmit:problem:no-answer', title: `the double has no answer for ${method} ${target}`, status: 500 },
      };
    const { body: schema } = routes[name] as Route;
    if (schema && answer.status < 400) mustFit(schema, body, `the request of ${name}`);
    return answer;
  }
}

function routeOf(method: string, path: string): RouteName | undefined {
  return (Object.keys(routes) as RouteName[]).find((name) => {
    const route: Route = routes[name];
    return route.method === method && new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}$`).test(path);
  });
}
