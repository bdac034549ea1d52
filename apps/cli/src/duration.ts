import { usage } from './errors.js';

const seconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `90s`, `15m`, `8h`, `2d` to whole seconds; anything else is a usage error, because a guessed unit is a wrong grant. */
export function parseDuration(text: string): number {
  const parts = /^([1-9]\d{0,8})([smhd])$/.exec(text);
  if (!parts) throw usage(`"${text}" is not a duration`, 'Use an integer and a unit: 90s, 15m, 8h or 2d.');
  return Number(parts[1]) * seconds[parts[2] as keyof typeof seconds];
}

/** `26m ago`, `in 9m`, `now`: how far an instant is, in its largest whole unit. */
export function sinceOrUntil(instant: string, now: Date): string {
  const distance = (Date.parse(instant) - now.getTime()) / 1000;
  const size = Math.floor(Math.abs(distance));
  if (size === 0) return 'now';
  const unit = (['d', 'h', 'm'] as const).find((one) => size >= seconds[one]) ?? 's';
  const text = `${Math.floor(size / seconds[unit])}${unit}`;
  return distance < 0 ? `${text} ago` : `in ${text}`;
}
