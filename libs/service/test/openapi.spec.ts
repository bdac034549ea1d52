import { describe, expect, it } from '@jest/globals';
import { openapi, routes, type Route } from '@readmit/contracts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly responses: Readonly<Record<string, unknown>>;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
}
const document = JSON.parse(JSON.stringify(openapi())) as {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, { readonly headers?: object }>> };
};
const operationOf = (route: Route) => document.paths[route.path.replaceAll(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()];

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(await new Validator().validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>)).toMatchObject({ valid: true });
    expect(document.openapi).toMatch(/^3\.1\./);
    const broken = { ...document, paths: { nowhere: {} } };
    expect(await new Validator().validate(JSON.parse(JSON.stringify(broken)) as Record<string, unknown>)).toMatchObject({ valid: false });
  });

  it.each(Object.entries(routes) as [string, Route][])('has %s with its status, parameters, problems and security', (name, route) => {
    const operation = operationOf(route);
    expect(operation?.operationId).toBe(name);
    expect(Object.keys(operation?.responses ?? {})).toEqual(
      expect.arrayContaining([String(route.status), '400', '401', '405', '429', '500', '503']),
    );
    const parameters = operation?.parameters?.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name) ?? [];
    expect(parameters).toEqual([...route.path.matchAll(/:(\w+)/g)].map(([, param]) => param));
    expect(operation?.security).toContainEqual(route.access === 'case-key' ? { caseKey: [] } : { signIn: [] });
    expect(operation?.security.some((one) => Object.keys(one).length === 0)).toBe(route.access === 'anyone');
  });

  it('says where an answer has Retry-After and Allow', () => {
    const headersOf = (name: string) => Object.keys(document.components.responses[name]?.headers ?? {});
    expect(['TooMany', 'NotAvailable', 'Conflict', 'MethodNotAllowed', 'Malformed'].map(headersOf)).toEqual([
      ['Retry-After'],
      ['Retry-After'],
      ['Retry-After'],
      ['Allow'],
      [],
    ]);
  });

  it('has examples that its own routes take', () => {
    const examples = (Object.entries(routes) as [string, Route][]).flatMap(([name, route]) => {
      const example = Object.values(operationOf(route)?.requestBody?.content ?? {})[0]?.example;
      const schema = route.body ?? route.event;
      return example === undefined || !schema
        ? []
        : [{ name, errors: new Ajv({ allErrors: true, strictTypes: false }).validate(schema, example) ? [] : ['does not fit'] }];
    });
    expect(examples.length).toBeGreaterThan(3);
    expect(examples.filter(({ errors }) => errors.length > 0)).toEqual([]);
  });

  it('is the one that is checked in (else run node tools/generate-openapi.mjs after a build)', () => {
    const file = path.resolve(import.meta.dirname, '../../../docs/generated/openapi.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(document);
  });
});
