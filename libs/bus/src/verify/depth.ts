/** Levels of arrays and objects that a value may have. The catalogue's own shapes need eight; a policy document is a free value. */
export const maxDepth = 32;

/** Whether JSON text nests deeper than allowed, by its bytes and before anything parses it. */
export function nestsTooDeep(value: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < value.length; at++) {
    const byte = value[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

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
