/** Schemas as plain JSON for OpenAPI and AsyncAPI: named ones are written once and referenced everywhere else. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface SchemaWriter {
  /** The schema, or a reference if it has a name. */
  reference(schema: unknown): Json;
  /** The content of `components.schemas`. */
  readonly components: JsonObject;
}

/**
 * Recognizes named schemas by their content, so that an optional field is a reference too. One with a different description becomes a
 * reference with that description next to it, as OpenAPI 3.1 allows; other readers ignore it.
 */
export function schemaWriter(named: Readonly<Record<string, object>>): SchemaWriter {
  const nameOf = new Map(Object.entries(named).map(([name, schema]) => [undescribed(schema), name]));
  const reference = (schema: unknown): Json => {
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return definition(schema);
    const name = nameOf.get(undescribed(schema));
    if (name === undefined) return definition(schema);
    const { description } = schema as { readonly description?: string };
    const own = description !== (named[name] as { readonly description?: string }).description;
    return { $ref: `#/components/schemas/${name}`, ...(own && description !== undefined ? { description } : {}) };
  };
  const definition = (schema: unknown): Json => {
    if (Array.isArray(schema)) return schema.map(reference);
    if (typeof schema === 'object' && schema !== null)
      return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, reference(value)]));
    if (schema === null || typeof schema === 'string' || typeof schema === 'number' || typeof schema === 'boolean') return schema;
    throw new Error(`this is a bug: a schema holds a ${typeof schema}`);
  };
  return { reference, components: Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, definition(schema)])) };
}

const undescribed = (schema: object): string => JSON.stringify({ ...schema, description: undefined });
