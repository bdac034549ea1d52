/** Ids that are the same in each run: `newId('plan')` returns `plan_0001`, `plan_0002`, ...; `uuid()` counts in UUIDv7 form. */
export function fixedIds(): { newId(prefix: string): string; uuid(): string } {
  const counts = new Map<string, number>();
  const next = (of: string): number => {
    const count = (counts.get(of) ?? 0) + 1;
    counts.set(of, count);
    return count;
  };
  return {
    newId: (prefix) => `${prefix}_${String(next(prefix)).padStart(4, '0')}`,
    uuid: () => `01900000-0000-7000-8000-${next('').toString(16).padStart(12, '0')}`,
  };
}
