/** Reads docker-compose.yml like docker compose: with merges, and with the variables of an .env file substituted. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export const workspace = path.resolve(import.meta.dirname, '../..');
export const textOf = (file: string): string => readFileSync(path.join(workspace, file), 'utf8');

export interface Mount {
  readonly source: string;
  readonly target: string;
}
export interface ComposeService {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly Mount[];
  readonly configs?: readonly Mount[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly network_mode?: string;
  readonly networks?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly deploy?: { readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> } };
}
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
}

export const readCompose = (text: string = textOf('docker-compose.yml')): ComposeFile =>
  parse(text, { merge: true, maxAliasCount: -1 }) as ComposeFile;

export function readEnvFile(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => /^[A-Z_]+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** `$$`, `${NAME}`, `${NAME:-default}`, `${NAME:+replacement}` and `${NAME:?error}`, as in the Compose Specification. */
export function substitute(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(?:(\$)|\{([A-Z_]+)(?::([-+?])([^}]*))?\})/g, (_whole, dollar, name: string, kind, rest: string) => {
    if (dollar) return '$';
    const value = env[name] ?? '';
    if (value === '' && kind === '?') throw new Error(`${name} must be set: ${rest}`);
    if (kind === '+') return value === '' ? '' : rest;
    return value === '' && kind === '-' ? rest : value;
  });
}
