import { describe, expect, it } from '@jest/globals';
import { engineCrypto } from '@readmit/signing';
import { openapi, routes, type Route, type RouteName } from '@readmit/contracts';
import { codeOf, decisionPayloadType } from '@readmit/domain';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly example?: unknown }>> }>>;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
}
const document = JSON.parse(JSON.stringify(openapi())) as {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: object; readonly responses: Readonly<Record<string, { readonly headers?: object }>> };
};
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the examples were checked against their schemas
type Example = Record<string, any>;
const operationOf = (route: Route) => document.paths[route.path.replaceAll(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()];

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(await new Validator().validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>)).toMatchObject({ valid: true });
    expect(document.openapi).toMatch(/^3\.1\./);
    const broken = { ...document, paths: { nowhere: {} } };
    expect(await new Validator().validate(JSON.parse(JSON.stringify(broken)) as Record<string, unknown>)).toMatchObject({ valid: false });
  });

  it('has nothing that the recommended rules of Redocly warn of, and these would find it', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'readmit-openapi-'));
    const found = async (name: string, linted: object): Promise<readonly string[]> => {
      const file = path.join(folder, name);
      writeFileSync(file, JSON.stringify(linted));
      const args = [path.resolve('node_modules/@redocly/cli/bin/cli.js'), 'lint', file, '--extends', 'recommended', '--format', 'json'];
      // It would ask for its latest version and tell how it is used.
      const env = { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off' };
      const report = await new Promise<string>((resolve) => {
        execFile(process.execPath, args, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 }, (_, stdout) => resolve(stdout));
      });
      return (JSON.parse(report) as { problems: { ruleId: string }[] }).problems.map(({ ruleId }) => ruleId);
    };
    const { schemas } = document.components;
    const broken = { ...document, components: { ...document.components, schemas: { ...schemas, Unused: { type: 'string' } } } };
    try {
      expect(await Promise.all([found('document.json', document), found('broken.json', broken)])).toEqual([[], ['no-unused-components']]);
    } finally {
      rmSync(folder, { recursive: true });
    }
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

  const ajv = new Ajv({ allErrors: true, strictTypes: false });
  it('has an example of every body, which its own route takes', () => {
    const sent = (Object.entries(routes) as [string, Route][]).filter(([, route]) => route.body ?? route.event);
    expect(sent.length).toBeGreaterThan(10);
    for (const [name, route] of sent) {
      const example = Object.values(operationOf(route)?.requestBody?.content ?? {})[0]?.example;
      expect([name, ajv.validate(route.body ?? route.event ?? false, example), ajv.errorsText()]).toEqual([name, true, 'No errors']);
    }
  });

  it('R8.3 lets no body have a field that it does not name', () => {
    const bodies = (Object.entries(routes) as [string, Route][]).flatMap(([name, { body }]) => (body ? [[name, body] as const] : []));
    expect(bodies.length).toBeGreaterThan(10);
    for (const [name, body] of bodies) {
      const example = Object.values(operationOf((routes as Record<string, Route>)[name] as Route)?.requestBody?.content ?? {})[0]
        ?.example as object;
      expect([name, ajv.validate(body, example)]).toEqual([name, true]);
      expect([name, ajv.validate(body, { ...example, unknown: 1 }), ajv.errors?.map(({ keyword }) => keyword)]).toEqual([
        name,
        false,
        ['additionalProperties'],
      ]);
    }
  });

  it('has an example of every answer, which its own route may give', () => {
    for (const [name, route] of Object.entries(routes) as [string, Route][]) {
      const example = Object.values(operationOf(route)?.responses[String(route.status)]?.content ?? {})[0]?.example;
      expect([name, ajv.validate(route.response, example), ajv.errorsText()]).toEqual([name, true, 'No errors']);
    }
  });

  it('has examples whose digests, code and signature match the rest of the example', () => {
    const exampleOf = (name: RouteName) => {
      const { requestBody, responses } = operationOf(routes[name]) ?? {};
      const [sent] = Object.values(requestBody?.content ?? {});
      const [given] = Object.values(responses?.[String(routes[name].status)]?.content ?? {});
      return { sent: sent?.example as Example, given: given?.example as Example };
    };
    const { signing, sealing, fingerprint } = exampleOf('openCase').sent['caseKey'];
    expect(engineCrypto.digest({ sealing, signing })).toBe(fingerprint);
    const view = exampleOf('showApproval').given;
    const { evidence } = view;
    expect(engineCrypto.digest(view['plan'])).toBe(view['planDigest']);
    expect(engineCrypto.digest(view['plan'].before.facets)).toBe(view['plan'].before.digest);
    expect(engineCrypto.digest(view['policy'].document)).toBe(view['policyDigest']);
    for (const { kind, channel, assurance, note, contact, code, by, at, salt, digest } of evidence as Example[]) {
      const optional = contact === undefined ? {} : { contact, code };
      expect(engineCrypto.digest({ kind, channel, assurance, note, ...optional, by, at, salt })).toBe(digest);
    }
    expect(engineCrypto.digest((evidence as Example[]).map(({ id, digest }) => ({ id, digest })))).toBe(view['evidenceDigest']);
    expect(codeOf(exampleOf('showCase').given['codeNonce'], fingerprint, engineCrypto)).toBe(exampleOf('addEvidence').sent['code']);
    const { statement, proof } = exampleOf('decide').sent;
    const { planDigest, evidenceDigest, policyDigest, nonce } = view;
    expect(statement).toMatchObject({ planDigest, evidenceDigest, policyDigest, nonce });
    const verifies = (text: string) => engineCrypto.verify(signing.x, decisionPayloadType, text, proof.signature);
    expect([verifies(engineCrypto.canonical(statement)), verifies(engineCrypto.canonical({ ...statement, v: 2 }))]).toEqual([true, false]);
    expect(view['decisions']).toEqual([{ id: exampleOf('decide').given['decisionId'], statement, proof }]);
    const { jwe, ciphertextDigest } = exampleOf('pickUpSecret').given;
    expect(createHash('sha256').update(jwe).digest('hex')).toBe(ciphertextDigest);
    expect(exampleOf('acknowledgeSecret').sent).toEqual({ ciphertextDigest });
    const [{ asks }] = exampleOf('inbox').given['items'];
    for (const other of [view['plan'], exampleOf('showCase').given]) expect(other.asks).toEqual(asks);
  });

  it('describes every operation, parameter, header, schema and property', () => {
    const collections = ['properties', 'parameters', 'headers', 'schemas', 'securitySchemes', 'responses'];
    // What is referred to is described where it stands.
    const said = (one: object): boolean => '$ref' in one || ('description' in one && String(one.description).length > 3);
    const silent = (value: unknown, at: string): string[] => {
      if (typeof value !== 'object' || value === null) return [];
      return Object.entries(value).flatMap(([name, inner]: [string, object]) => {
        if (name === 'example') return [];
        const here = `${at}/${name}`;
        const members = collections.includes(name) && !at.endsWith('/properties') ? Object.entries(inner as Record<string, object>) : [];
        const operation = typeof inner === 'object' && inner !== null && 'operationId' in inner ? [['', inner] as const] : [];
        return [...[...members, ...operation].flatMap(([key, one]) => (said(one) ? [] : [`${here}/${key}`])), ...silent(inner, here)];
      });
    };
    expect(silent(document, '')).toEqual([]);
    // Control: what is not described is found.
    const { schemas } = document.components;
    const broken = {
      ...document,
      components: { schemas: { ...schemas, Broken: { description: 'A shape.', properties: { id: { type: 'string' } } } } },
    };
    expect(silent(broken, '')).toEqual(['/components/schemas/Broken/properties/id']);
  });

  it('is the one that is checked in (else run node tools/generate-openapi.mjs after a build)', () => {
    const file = path.resolve(import.meta.dirname, '../../../docs/generated/openapi.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(document);
  });
});
