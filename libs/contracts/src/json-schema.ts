/** Our schemas as plain JSON for documents: those with a name of their own stand once, and wherever one is used there is a reference. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface SchemaWriter {
  /** The schema, or a reference to it when it has a name. */
  reference(schema: unknown): Json;
  /** What stands under `components.schemas`. */
  readonly components: JsonObject;
}

/**
 * Names schemas by what they say, so that an optional field of a named shape is a reference too. One with a description of its own is a
 * reference with that description beside it, as OpenAPI 3.1 takes it; readers that know no such thing pass over it.
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
