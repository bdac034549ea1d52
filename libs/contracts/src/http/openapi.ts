/** The OpenAPI 3.1 document, derived from the catalogue of routes; its schemas are the very ones that the services check with. */
import type { TSchema } from 'typebox';
import { Id, RecipientKey, SigningKey } from '../events/values.js';
import { Ask, Decision, Facet, Plan, Undo } from '../events/values.js';
import {
  AddEvidence,
  ApprovalView,
  CaseView,
  OpenCase,
  ParkedMessage,
  Problem,
  routes,
  TimelineEntry,
  type Access,
  type Route,
  type RouteName,
} from './api.js';
import { schemaWriter, type Json, type JsonObject } from '../json-schema.js';
import { InboxItem } from './inbox-shapes.js';
import { IdempotencyKey, idempotencyHeader } from './idempotency.js';
import { proofHeader } from './proof.js';

/** Schemas that get a name of their own; wherever one stands in a route it becomes a reference. */
const named = {
  AddEvidence,
  ApprovalView,
  Ask,
  CaseView,
  Decision,
  Facet,
  InboxItem,
  OpenCase,
  ParkedMessage,
  Plan,
  Problem,
  RecipientKey,
  SigningKey,
  TimelineEntry,
  Undo,
} as const;
const { reference, components } = schemaWriter(named);

const security: Readonly<Record<Access, readonly JsonObject[]>> = {
  anyone: [{}, { signIn: [] }],
  person: [{ signIn: [] }],
  operator: [{ signIn: [] }],
  provider: [{ signIn: [] }],
  'case-key': [{ caseKey: [] }],
  'person-or-case-key': [{ signIn: [] }, { caseKey: [] }],
};
const whoMay: Readonly<Record<Access, string>> = {
  anyone: 'Anyone; a sign-in is used when there is one.',
  person: 'People who are signed in.',
  operator: 'Members of the team `platform-operators`.',
  provider: 'Clients that are configured as identity providers.',
  'case-key': 'Whoever proves to hold the key of the case.',
  'person-or-case-key': 'People who are signed in, or whoever proves to hold the key of the case.',
};
const problems = {
  Malformed: 'The request is malformed; `errors` names every place.',
  NotSignedIn: 'No credential, or one that is not accepted; `reason` says which and why.',
  Forbidden: 'Refused, and the refusal is recorded; `rule` and `reason` say why.',
  NotFound: 'There is no such thing.',
  Conflict: 'Not now: the service has not heard of it yet (`not-ready`, with Retry-After), or it has changed since.',
  MethodNotAllowed: 'The path has other methods; Allow names them.',
  TooLarge: 'The body is larger than 256 KiB.',
  WrongMediaType: 'The content type is none that is taken here, or the body has a Content-Encoding.',
  Invalid: 'Well-formed, and a rule says no.',
  TooMany: 'Too many requests; Retry-After says when to come again.',
  Unexpected: 'Something broke on our side; quote the request id in `instance`.',
  NotAvailable: 'A part that is needed cannot be reached; Retry-After says when to come again.',
} as const;
/** Headers of an answer that says what to do next. */
const retry = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } };
const problemHeaders: Partial<Record<keyof typeof problems, JsonObject>> = {
  Conflict: retry,
  TooMany: retry,
  NotAvailable: retry,
  MethodNotAllowed: { Allow: { $ref: '#/components/headers/Allow' } },
};

/** The document as plain JSON. The same catalogue gives the same document, byte for byte. */
export function openapi(): object {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Readmit',
      version: '1',
      summary: 'Governs the way back in.',
      description: 'Errors are problem details (RFC 9457) with `rule` and `reason`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'One origin serves all services.' }],
    tags: [...new Set(Object.values(routes).map((route: Route) => route.service))].map((service) => ({ name: service })),
    paths,
    components: {
      schemas: components,
      responses: Object.fromEntries(
        Object.entries(problems).map(([name, description]) => {
          const headers = problemHeaders[name as keyof typeof problems];
          const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
          return [name, { description, ...(headers ? { headers } : {}), content }];
        }),
      ),
      headers: {
        RetryAfter: { description: 'Seconds.', schema: { type: 'integer' } },
        Allow: { description: 'The methods of this path.', schema: { type: 'string' } },
      },
      securitySchemes: {
        signIn: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Access token (RFC 9068) of the configured OpenID Connect issuer.',
        },
        caseKey: {
          type: 'apiKey',
          in: 'header',
          name: proofHeader,
          description:
            'Compact JWS (EdDSA, typ `readmit-proof+jwt`, public key in the header) over method, path, time, a single-use id and the digest of the body.',
        },
      },
    },
  };
}

function operation(name: RouteName, route: Route): Json {
  const params = [...route.path.matchAll(/:(\w+)/g)].map(([, param = '']) => ({
    name: param,
    in: 'path',
    required: true,
    schema: reference(Id),
  }));
  const parameters = [
    ...params,
    ...(route.query ? queryParameters(route.query) : []),
    ...(route.event ? eventParameters(route.event) : []),
    ...(route.repeatable ? [repeatParameter] : []),
  ];
  const reads = route.response;
  const text = (reads as { readonly type?: unknown }).type === 'string';
  return {
    operationId: name,
    tags: [route.service],
    summary: route.says,
    description: whoMay[route.access],
    security: [...security[route.access]],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...requestBody(name, route),
    responses: {
      [String(route.status)]: {
        description: route.status === 202 ? 'Taken; the link shows what becomes of it.' : 'The answer.',
        content: { [text ? 'application/x-ndjson' : 'application/json']: { schema: reference(reads) } },
      },
      ...Object.fromEntries(problemsOf(route).map(([status, problem]) => [status, { $ref: `#/components/responses/${problem}` }])),
    },
  };
}

const repeatParameter: JsonObject = {
  name: idempotencyHeader,
  in: 'header',
  required: false,
  description: 'Of your choice, new for each request: when no answer came, send the same request with the same key and it is done once.',
  schema: reference(IdempotencyKey),
};

function requestBody(name: RouteName, { body, event }: Route): JsonObject {
  if (event)
    return {
      requestBody: {
        description: 'Structured mode: the event. Binary mode: its data, or nothing, and the attributes in the headers `ce-*`.',
        required: false,
        content: {
          'application/cloudevents+json': { schema: reference(event), ...example(name) },
          'application/json': { schema: { type: 'object' } },
        },
      },
    };
  if (!body) return {};
  return { requestBody: { required: true, content: { 'application/json': { schema: reference(body), ...example(name) } } } };
}

/** Binary mode of CloudEvents over HTTP. */
function eventParameters(event: TSchema): readonly JsonObject[] {
  const { properties = {} } = event as { readonly properties?: Readonly<Record<string, TSchema>> };
  return Object.entries(properties)
    .filter(([name]) => name !== 'data' && name !== 'datacontenttype')
    .map(([name, schema]) => ({
      name: `ce-${name}`,
      in: 'header',
      required: false,
      description: 'Binary mode.',
      schema: reference(schema),
    }));
}

function problemsOf(route: Route): readonly (readonly [string, keyof typeof problems])[] {
  const reading = route.method === 'GET';
  return [
    ['400', 'Malformed'],
    ['401', 'NotSignedIn'],
    ...(route.access === 'anyone' && reading ? [] : ([['403', 'Forbidden']] as const)),
    ...(route.path.includes(':') ? ([['404', 'NotFound']] as const) : []),
    ['405', 'MethodNotAllowed'],
    ...(route.path.includes(':') || !reading ? ([['409', 'Conflict']] as const) : []),
    ...(reading
      ? []
      : ([
          ['413', 'TooLarge'],
          ['415', 'WrongMediaType'],
          ['422', 'Invalid'],
        ] as const)),
    ['429', 'TooMany'],
    ['500', 'Unexpected'],
    ['503', 'NotAvailable'],
  ];
}

function queryParameters(query: TSchema): readonly JsonObject[] {
  const { properties = {}, required = [] } = query as {
    readonly properties?: Readonly<Record<string, TSchema>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: reference(schema),
  }));
}

/** Examples of what people send most; a test checks them against the schemas. */
const examples: Partial<Record<RouteName, JsonObject>> = {
  openCase: {
    asks: [{ kind: 'factor.replace', connector: 'demo-idp', object: 'ada' }],
    subject: { kind: 'person', id: 'person:ada' },
    reasonCode: 'lost-device',
    reason: 'My phone was stolen on the train.',
    durationSeconds: 3600,
    caseKey: {
      signing: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
      sealing: { kty: 'OKP', crv: 'X25519', x: '3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08' },
      fingerprint: '3fa901bc3fa901bc3fa901bc3fa901bc3fa901bc3fa901bc3fa901bc3fa901bc',
    },
  },
  addEvidence: {
    kind: 'call-back',
    channel: 'phone',
    assurance: 2,
    note: 'Called the number on record; she read out the code.',
    code: '3fa9-01bc',
  },
  repudiate: { reason: 'This was not me.' },
  endEarly: { reason: 'Done earlier than planned.' },
  contain: { reason: 'Her laptop is compromised.' },
  publishSignal: {
    specversion: '1.0',
    id: 'lockout-1',
    source: 'https://sso.example.com/realms/acme',
    type: 'readmit.idp.account-locked',
    time: '2026-11-22T10:00:00.000Z',
    subject: 'person:ada',
  },
};
const example = (name: RouteName): { readonly example?: JsonObject } => {
  const there = examples[name];
  return there ? { example: there } : {};
};
