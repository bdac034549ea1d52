/** Levels of arrays and objects that JSON of others may have. The catalogue's own shapes need eight; a policy document is a free value. */
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
