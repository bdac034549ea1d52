import { Id, idFault, idPattern, routes, type Route, type RouteName } from '@readmit/contracts';
import type { TSchema } from 'typebox';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { ProblemError, type FieldError } from './problem.js';

/** More errors than a person reads help only somebody who wants to keep us busy. */
const mostErrors = 50;

interface Validators {
  readonly body: ValidateFunction | undefined;
  readonly query: ValidateFunction;
  readonly params: ValidateFunction;
  readonly response: ValidateFunction;
}
// Query and path are text on the wire, so numbers are read from it; a body says what it means and is not coerced.
const exact = new Ajv({ allErrors: true, strict: true, strictTypes: false, verbose: true, validateSchema: false });
const reading = new Ajv({ allErrors: true, strict: true, strictTypes: false, coerceTypes: true, verbose: true, validateSchema: false });
const compiled = new Map<RouteName, Validators>();

const routeOf = (name: RouteName): Route => routes[name];

function validatorsOf(name: RouteName): Validators {
  const there = compiled.get(name);
  if (there) return there;
  const route = routeOf(name);
  const params = [...route.path.matchAll(/:(\w+)/g)].map(([, param = '']) => param);
  const made: Validators = {
    body: route.body && exact.compile(route.body),
    query: reading.compile(route.query ?? { type: 'object', additionalProperties: false }),
    params: reading.compile({
      type: 'object',
      additionalProperties: false,
      required: params,
      properties: Object.fromEntries(params.map((param) => [param, Id])),
    }),
    response: exact.compile(route.response),
  };
  compiled.set(name, made);
  return made;
}

/** Checks what came against the catalogue; all errors at once, as a `ProblemError` 400 `invalid-request`. Returns the values with types read. */
export function checkRequest(
  name: RouteName,
  request: { readonly params: unknown; readonly query: unknown; readonly body: unknown },
): { readonly params: unknown; readonly query: unknown; readonly body: unknown } {
  const validators = validatorsOf(name);
  const params = { ...(request.params as object) };
  const query = { ...(request.query as object) };
  const notNumbers = numberFaults(routeOf(name).query, query);
  const errors: FieldError[] = [
    ...faults(validators.params, params, '/params'),
    ...(notNumbers.length > 0 ? notNumbers : faults(validators.query, query, '/query')),
  ];
  let body: unknown = request.body;
  if (validators.body) {
    if (body === undefined || body === null) errors.push({ where: '/body', what: 'is missing; send a JSON object' });
    else errors.push(...faults(validators.body, body, '/body'));
  } else if (routeOf(name).event) body = undefined;
  else if (body !== undefined && body !== null && !isEmptyObject(body))
    errors.push({ where: '/body', what: 'is not expected; this route takes no body' });
  else body = undefined;
  if (errors.length > 0)
    throw new ProblemError(400, 'invalid-request', 'The request does not have the shape of this route.', {
      errors: errors.slice(0, mostErrors),
    });
  return { params, query, body };
}

/** Coercion takes for a number whatever JavaScript does, `1e3` and `0x10` too. Here it is digits; how many, its bounds say. */
function numberFaults(schema: TSchema | undefined, query: object): FieldError[] {
  const { properties = {} } = (schema ?? {}) as { readonly properties?: Readonly<Record<string, { readonly type?: unknown }>> };
  return Object.entries(query).flatMap(([name, text]) =>
    properties[name]?.type === 'integer' && !(typeof text === 'string' && /^-?\d{1,20}$/.test(text))
      ? [{ where: `/query/${name}`, what: 'must be integer' }]
      : [],
  );
}

/** What is wrong with a response of this service; empty: nothing. */
export const responseFaults = (name: RouteName, response: unknown): readonly FieldError[] =>
  faults(validatorsOf(name).response, response, '/response');

const isEmptyObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

function faults(validate: ValidateFunction, value: unknown, place: string): FieldError[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).filter((error) => !(isOfId(error) && error.keyword !== 'pattern')).map((error) => faultOf(error, place));
}
/** Its pattern says it all: a person gets one sentence, not also its length and its least length. */
const isOfId = ({ parentSchema, keyword }: ErrorObject): boolean =>
  ['pattern', 'maxLength', 'minLength'].includes(keyword) && (parentSchema as { pattern?: unknown } | undefined)?.pattern === idPattern;
function faultOf(error: ErrorObject, place: string): FieldError {
  const here = `${place}${error.instancePath}`;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties':
      return { where: `${here}/${pointer(String(params['additionalProperty']))}`, what: 'is an unknown field' };
    case 'required':
      return { where: `${here}/${pointer(String(params['missingProperty']))}`, what: 'is missing' };
    case 'enum':
      return { where: here, what: `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}` };
    case 'const':
      return { where: here, what: `must be ${JSON.stringify(params['allowedValue'])}` };
    case 'pattern':
      // A regular expression tells nobody what to change.
      if (isOfId(error)) return { where: here, what: `is not an id: ${idFault(String(error.data))}` };
      return { where: here, what: error.message ?? 'is not valid' };
    default:
      return { where: here, what: error.message ?? 'is not valid' };
  }
}
/** Escapes a name for a JSON pointer and keeps an attacker's long name from filling the answer. */
const pointer = (name: string) => name.slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1');
