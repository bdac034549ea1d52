/** Byte strings as one parameter of a statement, with where each begins and how long it is. */
export interface Packed {
  readonly bytes: Buffer;
  /** In bytes, the first is 1: as `substr` of PostgreSQL counts. */
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
}

/**
 * Puts byte strings, and texts as UTF-8, one behind the other. A statement takes them apart with `substr(bytes, start, length)`. An array of
 * bytea would go as text: the driver writes it as escaped hex, twice as long, and the database reads that again.
 */
export function packed(values: readonly (Uint8Array | string)[]): Packed {
  const lengths = values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value, 'utf8') : value.length));
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length, 0));
  const starts: number[] = [];
  let at = 0;
  for (const [place, value] of values.entries()) {
    starts.push(at + 1);
    if (typeof value === 'string') bytes.write(value, at, 'utf8');
    else bytes.set(value, at);
    at += lengths[place] ?? 0;
  }
  return { bytes, starts, lengths };
}
