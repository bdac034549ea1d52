/** Our schemas as plain JSON for documents: those with a name of their own stand once, and wherever one is used there is a reference. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface SchemaWriter {
  /** The schema, or a reference to it when it has a name. */
  reference(schema: unknown): Json;
  /** What stands under `components.schemas`. */
  readonly components: JsonObject;
}

/** Names schemas by what they say, so that an optional field of a named shape is a reference too. */
export function schemaWriter(named: Readonly<Record<string, object>>): SchemaWriter {
  const nameOf = new Map(Object.entries(named).map(([name, schema]) => [JSON.stringify(schema), name]));
  const reference = (schema: unknown): Json => {
    const name = nameOf.get(JSON.stringify(schema));
    return name === undefined ? definition(schema) : { $ref: `#/components/schemas/${name}` };
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
