/** The OpenAPI 3.1 document, derived from the catalogue of routes; its schemas are those that the services validate with. */
import type { TSchema } from 'typebox';
import * as values from '../events/values.js';
import { schemaWriter, type Json, type JsonObject } from '../json-schema.js';
import { AddEvidence, ApprovalView, SignedDecision } from './approval-shapes.js';
import { Problem, routes, type RouteName } from './api.js';
import { ParkedMessage } from './parked-routes.js';
import type { Access, Route } from './route.js';
import { Accepted, CaseView, Contact, OpenCase, TimelineEntry } from './case-shapes.js';
import { ExecutionView, Obligation, Order } from './execution-shapes.js';
import { InboxItem } from './inbox-shapes.js';
import { IdempotencyKey, idempotencyHeader } from './idempotency.js';
import { answers, requests } from './openapi-examples.js';
import { guide, proofInShort, tags } from './openapi-guide.js';
import { proofHeader } from './proof.js';

/** Schemas that are referenced by name. */
const named = {
  Accepted,
  AddEvidence,
  ApprovalView,
  Ask: values.Ask,
  CaseView,
  Contact,
  Decision: values.Decision,
  Digest: values.Digest,
  EvidenceNeed: values.EvidenceNeed,
  ExecutionView,
  Facet: values.Facet,
  Id: values.Id,
  Identity: values.Identity,
  InboxItem,
  Instant: values.Instant,
  Obligation,
  OpenCase,
  Order,
  ParkedMessage,
  Plan: values.Plan,
  Problem,
  Proof: values.Proof,
  QuorumPart: values.QuorumPart,
  RecipientKey: values.RecipientKey,
  SealingKey: values.SealingKey,
  Seconds: values.Seconds,
  SignedDecision,
  SigningKey: values.SigningKey,
  SpokenCode: values.SpokenCode,
  Statement: values.Statement,
  Step: values.Step,
  Subject: values.Subject,
  Text: values.Text,
  TimelineEntry,
  Undo: values.Undo,
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
  anyone: 'Anyone; a sign-in is optional.',
  person: 'People who are signed in.',
  operator: 'Members of the team `platform-operators`.',
  provider: 'Clients that are configured as identity providers.',
  'case-key': 'Callers who prove possession of the key of the case.',
  'person-or-case-key': 'People who are signed in, or callers who prove possession of the key of the case.',
};
const needsStepUp =
  'Needs a fresh sign-in: otherwise 401, and `WWW-Authenticate` names `insufficient_user_authentication` with the `acr_values` and the `max_age` to sign in again with (RFC 9470).';
/** Problems by status: what they mean, and an example. */
const problems = {
  Malformed: [
    400,
    'The request is malformed; `errors` lists every error.',
    'Malformed request',
    'broken-json',
    'The body is not valid JSON.',
  ],
  NotSignedIn: [
    401,
    'No credential, or one that is not accepted; see `reason`.',
    'Not signed in',
    'token-expired',
    'The token has expired. Sign in again.',
  ],
  Forbidden: [
    403,
    'Refused, and the refusal is recorded; see `rule` and `reason`.',
    'Forbidden',
    'not-an-operator',
    'Only members of platform-operators may do this.',
    'R4.6',
  ],
  NotFound: [404, 'It does not exist, or not for this caller.', 'Not found', 'no-such-route', 'There is nothing at this path.'],
  MethodNotAllowed: [
    405,
    'The path has other methods; `Allow` lists them.',
    'Method not allowed',
    'method-not-allowed',
    'This path has GET and HEAD only.',
  ],
  TooSlow: [408, 'The request did not arrive within 30 seconds.', 'Request time-out', 'too-slow', 'The request took too long to arrive.'],
  Conflict: [
    409,
    'Not possible now: it has not reached this service yet (`not-ready`, with Retry-After), or it has changed since.',
    'Conflict',
    'not-ready',
    'The case has not reached this service yet. Try again in a moment.',
    'R8.1',
  ],
  TooLarge: [413, 'The body is larger than 256 KiB.', 'Too large', 'body-too-large', 'The body is larger than 256 KiB.'],
  UrlTooLong: [
    414,
    'A part of the path is longer than 1024 characters.',
    'URL too long',
    'url-too-long',
    'A part of the path is too long.',
  ],
  WrongMediaType: [
    415,
    'The content type is not accepted here, or the body has a Content-Encoding.',
    'Unsupported media type',
    'media-type',
    'Send the body as application/json.',
  ],
  Invalid: [
    422,
    'Well-formed, but refused by a rule.',
    'Invalid',
    'call-back-by-phone',
    'A call-back is made by phone, to the number on record.',
    'R3.4',
  ],
  TooMany: [
    429,
    'Too many requests; see Retry-After.',
    'Too many requests',
    'rate-exceeded',
    'Too many requests; 60 a minute are allowed. Try again in 12 s.',
  ],
  HeadersTooLarge: [431, 'URL and headers are larger than 16 KiB.', 'Headers too large', 'headers-too-large', 'The headers are too large.'],
  Unexpected: [
    500,
    'An internal error; give the request id in `instance` to the operators.',
    'Internal error',
    'internal',
    'Something broke on our side. Quote the request to the operators.',
  ],
  NotAvailable: [
    503,
    'A required system is unavailable; see Retry-After.',
    'Not available now',
    'backend-unavailable',
    'The database or another part cannot be reached. Try again.',
  ],
} as const satisfies Record<string, readonly [number, string, string, string, string, string?]>;
type ProblemName = keyof typeof problems;
const headerRef = (name: string): JsonObject => ({ $ref: `#/components/headers/${name}` });
/** Headers of responses that can be retried. */
const retry = { 'Retry-After': headerRef('RetryAfter') };
const problemHeaders: Partial<Record<ProblemName, JsonObject>> = {
  NotSignedIn: { 'WWW-Authenticate': headerRef('WWWAuthenticate') },
  Conflict: retry,
  TooMany: retry,
  NotAvailable: retry,
  MethodNotAllowed: { Allow: headerRef('Allow') },
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
      summary: 'Governs the recovery of access.',
      description: guide,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'One origin serves all services.' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: components,
      responses: Object.fromEntries((Object.keys(problems) as ProblemName[]).map((name) => [name, problemResponse(name)])),
      headers: {
        RetryAfter: {
          description: 'Seconds after which the same request may succeed; a 409 has it if `reason` is `not-ready`.',
          schema: { type: 'integer' },
        },
        Allow: { description: 'The methods of this path.', schema: { type: 'string' } },
        WWWAuthenticate: {
          description: 'Which credentials are accepted, and what was wrong with the one that was sent.',
          schema: { type: 'string' },
        },
        ETag: { description: 'The version in quotes, for `If-Match`.', schema: { type: 'string' } },
        RequestId: { description: 'Id of the request in the logs of the service.', schema: { type: 'string' } },
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
          description: proofInShort,
        },
      },
    },
  };
}

function problemResponse(name: ProblemName): Json {
  const [status, description, title, reason, detail, rule] = problems[name] as readonly [number, string, string, string, string, string?];
  const example = {
    type: `urn:readmit:problem:${reason}`,
    title,
    status,
    detail,
    instance: 'urn:readmit:request:req_0195d3a2-7c1e-4b7a-9a51-2f6f0d1c8e44',
    ...(rule === undefined ? {} : { rule }),
    reason,
  };
  const headers = problemHeaders[name];
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example } };
  return { description, ...(headers ? { headers } : {}), content };
}

/** Descriptions of path parameters. */
const pathParameters: Readonly<Record<string, string>> = {
  caseId: 'The case.',
  parkedId: 'The parked message.',
  subjectId: 'The person or machine whose access is recovered.',
};

function operation(name: RouteName, route: Route): Json {
  const params = [...route.path.matchAll(/:(\w+)/g)].map(([, param = '']) => ({
    name: param,
    in: 'path',
    required: true,
    description: pathParameters[param] ?? '',
    schema: reference(values.Id),
  }));
  const parameters = [
    ...params,
    ...(route.query ? queryParameters(route.query) : []),
    ...(route.event ? eventParameters(route.event) : []),
    ...(route.repeatable ? [repeatParameter] : []),
    ...(route.versioned ? [versionParameter] : []),
  ];
  const reads = route.response as TSchema & { readonly type?: unknown; readonly properties?: object };
  const headers = {
    'X-Request-Id': headerRef('RequestId'),
    ...(reads.properties && 'version' in reads.properties ? { ETag: headerRef('ETag') } : {}),
  };
  const type = reads.type === 'string' ? 'application/x-ndjson' : 'application/json';
  return {
    operationId: name,
    tags: [route.service],
    summary: route.says,
    description: [route.more, whoMay[route.access], route.stepUp && needsStepUp].filter((one) => one !== undefined).join(' '),
    security: [...security[route.access], ...(route.takesKey ? [{ caseKey: [] }] : [])],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...requestBody(name, route),
    responses: {
      [String(route.status)]: {
        description: route.status === 202 ? 'Accepted; read its progress later.' : 'The response.',
        headers,
        content: { [type]: { schema: reference(reads), ...exampleIn(answers, name) } },
      },
      ...Object.fromEntries(
        problemsOf(route).map((problem) => [String(problems[problem][0]), { $ref: `#/components/responses/${problem}` }]),
      ),
    },
  };
}

const repeatParameter: JsonObject = {
  name: idempotencyHeader,
  in: 'header',
  required: false,
  description:
    'Chosen by the client, new for each request: if there was no response, send the same request with the same key, and it is done once.',
  schema: reference(IdempotencyKey),
};

const versionParameter: JsonObject = {
  name: 'if-match',
  in: 'header',
  required: false,
  description: 'The ETag of what the caller saw: if anything has happened since, the response is 409 with `stale-version`.',
  schema: { type: 'string', pattern: '^"\\d{1,15}"$' },
};

function requestBody(name: RouteName, { body, event }: Route): JsonObject {
  if (event)
    return {
      requestBody: {
        description:
          'Structured mode: the event. Binary mode: its data as JSON of any media type, or nothing, and the attributes in the headers `ce-*`.',
        required: false,
        content: {
          'application/cloudevents+json': { schema: reference(event), ...exampleIn(requests, name) },
          'application/json': { schema: { type: 'object', description: 'Data of the event in binary mode; not stored.' } },
        },
      },
    };
  if (!body) return {};
  return { requestBody: { required: true, content: { 'application/json': { schema: reference(body), ...exampleIn(requests, name) } } } };
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
      description: `Binary mode: the attribute \`${name}\`.`,
      schema: reference(schema),
    }));
}

function problemsOf(route: Route): readonly ProblemName[] {
  const reading = route.method === 'GET';
  const named = route.path.includes(':');
  const rest: readonly ProblemName[] = ['TooMany', 'HeadersTooLarge', 'Unexpected', 'NotAvailable'];
  return [
    'Malformed',
    'NotSignedIn',
    'Forbidden',
    ...(named || route.mayLack ? (['NotFound'] as const) : []),
    'MethodNotAllowed',
    'TooSlow',
    ...(named || !reading ? (['Conflict'] as const) : []),
    ...(reading ? [] : (['TooLarge'] as const)),
    ...(named ? (['UrlTooLong'] as const) : []),
    ...(reading ? [] : (['WrongMediaType', 'Invalid'] as const)),
    ...rest,
  ];
}

function queryParameters(query: TSchema): readonly JsonObject[] {
  const { properties = {}, required = [] } = query as {
    readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description = '', ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description,
    schema: reference(schema),
  }));
}

function exampleIn(examples: Readonly<Record<string, Json>>, name: RouteName): { readonly example?: Json } {
  const example = examples[name] ?? examples[name.replace(/^[a-z]+(?=(List|Show|Settle)Parked$)/, 'any')];
  return example === undefined ? {} : { example };
}
