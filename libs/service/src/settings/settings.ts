import { messageOf } from '@readmit/platform';
import { fromKubernetes, settingsOfOthers } from './others.js';
import { Secret } from './secret.js';

/** Exit code of a process whose configuration is wrong (`EX_CONFIG` of sysexits). */
export const configurationExitCode = 78;

/** Reads the text of one variable; throws an Error whose message follows the name: `must be an integer from 0 to 65535`. */
export interface Parse<T> {
  (text: string): T;
  /** A value that would be right, for the error's advice. */
  readonly example?: string;
}
export interface Setting<T> {
  /** One sentence for the documentation. */
  readonly says: string;
  readonly parse: Parse<T>;
  /** Used when the variable is absent or empty; without the property the variable is required. */
  readonly default?: NoInfer<T>;
  /** The text itself is secret: errors never quote it. */
  readonly secret?: boolean;
  readonly example?: string;
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a bound for inference: Setting<T> is invariant in T
export type SettingsSpec = Readonly<Record<string, Setting<any>>>;
export type Settings<S extends SettingsSpec> = {
  readonly [K in keyof S]: S[K] extends { readonly parse: Parse<infer T> }
    ? S[K] extends { readonly default: infer D }
      ? T | D
      : T
    : never;
};

export interface SettingDescription {
  readonly name: string;
  readonly says: string;
  readonly required: boolean;
  readonly default?: string;
  readonly secret: boolean;
  readonly example?: string;
}

/** Everything that is wrong with a configuration, at once. The message has one line per error. */
export class ConfigurationError extends Error {
  constructor(readonly errors: readonly string[]) {
    super(
      `The configuration has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}:\n${errors.map((error) => `  ${error}`).join('\n')}`,
    );
    this.name = 'ConfigurationError';
  }
}

/** Keeps the literal type of a specification, so that `readSettings` knows the type of each value. */
export function settings<const S extends SettingsSpec>(spec: S): S {
  return spec;
}

/**
 * Reads the whole configuration once. Collects every error before it throws a `ConfigurationError`; a `READMIT_*` variable that
 * nobody reads, no other service either, is an error too, because a misspelt limit that is silently ignored is a limit that does not hold.
 */
export function readSettings<S extends SettingsSpec>(spec: S, env: Readonly<Record<string, string | undefined>>): Settings<S> {
  const errors: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(spec)) {
    const text = env[name];
    const example = setting.example ?? setting.parse.example;
    const optional = 'default' in setting;
    const advice = `${example === undefined ? `Set ${name}` : `Set ${name}=${example}`}${optional ? ' or leave it out.' : '.'}`;
    if (text === undefined || text === '') {
      if (optional) values[name] = setting.default;
      else errors.push(`${name}: is missing. ${setting.says} ${advice}`);
      continue;
    }
    try {
      values[name] = setting.parse(text);
    } catch (error) {
      const what = messageOf(error);
      errors.push(`${name}: ${what}${setting.secret ? '' : `, was '${text.length > 100 ? `${text.slice(0, 100)}...` : text}'`}. ${advice}`);
    }
  }
  const known = new Set([...Object.keys(spec), ...settingsOfOthers]);
  for (const [name, text = ''] of Object.entries(env)) {
    if (!name.startsWith('READMIT_') || known.has(name) || fromKubernetes(name, text)) continue;
    const near = nearest(name, known);
    errors.push(`${name}: no service has such a setting. ${near ? `Did you mean ${near}?` : 'Remove it.'}`);
  }
  if (errors.length > 0) throw new ConfigurationError(errors);
  return values as Settings<S>;
}

/** The settings as documentation lists them; defaults of secrets are not shown. */
export function describe(spec: SettingsSpec): readonly SettingDescription[] {
  return Object.entries(spec).map(([name, setting]) => {
    const example = setting.example ?? setting.parse.example;
    const fallback =
      'default' in setting && setting.default !== undefined && !(setting.default instanceof Secret)
        ? JSON.stringify(setting.default)
        : undefined;
    return {
      name,
      says: setting.says,
      required: !('default' in setting),
      secret: setting.secret ?? false,
      ...(fallback === undefined ? {} : { default: fallback }),
      ...(example === undefined ? {} : { example }),
    };
  });
}

/** Texts of all secrets in the values, for the logger to scrub. */
export function secretTexts(values: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.values(values).flatMap((value) => (value instanceof Secret ? value.texts() : []));
}

/** The known name within a third of its length in edits (Levenshtein), if there is one. */
function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: { name: string; edits: number } | undefined;
  for (const candidate of known) {
    const edits = editsBetween(name, candidate);
    if (edits <= Math.ceil(name.length / 3) && (!best || edits < best.edits)) best = { name: candidate, edits };
  }
  return best?.name;
}
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
