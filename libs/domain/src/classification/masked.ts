/** A contact point as shown for choosing one, before the full value is requested: `+44 ** **** **04`, `d***@example.test`. */
export function masked(kind: string, value: string): string {
  if (kind === 'email') return maskedAddress(value);
  // Only the country code and the last two digits remain, to tell numbers apart.
  const digits = [...value.matchAll(/\p{N}/gu)].map(({ index }) => index);
  const country = /^\+\p{N}{1,3}(?!\p{N})|^\+\p{N}{2}/u.exec(value)?.[0].length ?? 0;
  const shown = digits.length < 8 ? new Set<number>() : new Set([...digits.filter((index) => index < country), ...digits.slice(-2)]);
  return value.replace(/[\p{L}\p{N}]/gu, (sign, index: number) => (shown.has(index) ? sign : '*'));
}

function maskedAddress(value: string): string {
  const at = value.lastIndexOf('@');
  if (at < 1) return '***';
  const [first = ''] = value;
  return `${at > 1 ? first : ''}***${value.slice(at)}`;
}
