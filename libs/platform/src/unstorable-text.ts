const unstorable = /[\0]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Path of a text that no database column can hold: U+0000 or half of a surrogate pair. Only escapes can bring them, so most values need no look. */
export function unstorableText(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string') return unstorable.test(value) ? path || '/' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    if (unstorable.test(name)) return path || '/';
    const found = unstorableText(inner, `${path}/${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
