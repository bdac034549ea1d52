/** Maximum nesting of arrays and objects in received JSON. The catalogue's own schemas need eight levels; a policy document may be any JSON. */
export const maxDepth = 32;

/** Whether JSON text nests deeper than allowed. Scans the bytes, so that it can run before parsing. */
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
