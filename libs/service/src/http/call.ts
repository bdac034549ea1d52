import type { EventMessage, RouteName, routes } from '@readmit/contracts';
import type { Bearer } from '@readmit/signing';
import type { Readable } from 'node:stream';
import type { Static, TSchema } from 'typebox';

/** Who is signed in, as the access token says. */
export type Actor = Bearer;
/** The key that a request proved to hold. */
export interface ProvenKey {
  readonly signing: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };
}

type RouteOf<N extends RouteName> = (typeof routes)[N];
type Names<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | Names<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;
type ParamsOf<Path extends string> = string extends Path ? Readonly<Record<string, string>> : { readonly [K in Names<Path>]: string };
/** Routes that are made per area are known as `Route` only; their handlers narrow what the schema has checked. */
type Shape<R, K extends 'body' | 'query'> = R extends { readonly [P in K]: infer S extends TSchema }
  ? Static<S>
  : K extends keyof R
    ? unknown
    : undefined;

export type BodyOf<N extends RouteName> = Shape<RouteOf<N>, 'body'>;
export type QueryOf<N extends RouteName> = Shape<RouteOf<N>, 'query'>;
/** What the handler returns. Routes that answer text (NDJSON) may stream it. */
export type AnswerOf<N extends RouteName> = RouteOf<N>['response'] extends infer S extends TSchema
  ? Static<S> extends infer T
    ? T extends string
      ? T | Readable
      : T
    : never
  : never;

/** The one argument of a handler: everything in it has been checked against the catalogue. */
export interface Call<N extends RouteName = RouteName> {
  readonly params: ParamsOf<RouteOf<N>['path']>;
  readonly query: QueryOf<N>;
  readonly body: BodyOf<N>;
  /** Of a route that takes a CloudEvent: the message as it came. The handler reads it. */
  readonly event: RouteOf<N> extends { readonly event: TSchema } ? EventMessage : undefined;
  /** There when a bearer token came, whatever the route asks for. */
  readonly actor?: Actor;
  /** There when a proof came. */
  readonly proof?: ProvenKey;
  /** From `If-Match: "7"`. */
  readonly ifMatch?: number;
  /** From `idempotency-key`, of a route that may be repeated. */
  readonly idempotencyKey?: string;
  readonly requestId: string;
}
