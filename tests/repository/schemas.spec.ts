/** Programs do not validate their own schemas at each start, which would take a tenth of its time. This does. */
import { describe, expect, it } from '@jest/globals';
import { Targets } from '@readmit/connectors';
import { catalogue, Directory, KeyList, Policy, ProofClaims, routes } from '@readmit/contracts';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

const plain = (schema: object): object => JSON.parse(JSON.stringify(schema)) as object;
const schemas: Readonly<Record<string, object>> = {
  Directory,
  KeyList,
  Policy,
  ProofClaims,
  Targets,
  ...Object.fromEntries(Object.entries(catalogue).map(([type, { schema }]) => [type, schema])),
  ...Object.fromEntries(
    Object.entries(routes).flatMap(([name, route]) =>
      (['body', 'query', 'response'] as const).flatMap((part) => {
        const schema = (route as Partial<Record<typeof part, object>>)[part];
        return schema ? [[`${part} of ${name}`, schema]] : [];
      }),
    ),
  ),
};

describe('the JSON schemas of the contracts', () => {
  it.each(Object.entries(schemas))('%s is a valid schema of draft 7 and of draft 2020-12', (_name, schema) => {
    for (const ajv of [new Ajv({ strict: false }), new Ajv2020({ strict: false })]) {
      expect(ajv.validateSchema(plain(schema)) === true ? [] : ajv.errors).toEqual([]);
      // The control: a broken schema is reported.
      expect(ajv.validateSchema({ ...plain(schema), type: 'objekt' })).toBe(false);
    }
  });
});
