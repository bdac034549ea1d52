import { readFile } from 'node:fs/promises';
import { CliError } from './errors.js';
import type { SigningJwk } from './keys.js';

/**
 * What a verifier must know from elsewhere (not from the export): `{"logKey": "<C2SP vkey>", "root": <Ed25519 public JWK>}`.
 * `root` is the offline key that signs the list of the services' keys.
 */
export interface Trust {
  readonly file: string;
  readonly logKey: string;
  readonly root: SigningJwk;
}

export async function readTrust(file: string): Promise<Trust> {
  const next =
    'Give --keys <file> with {"logKey": "<verifier key of the log>", "root": {"kty":"OKP","crv":"Ed25519","x":"..."}}, from a source other than the export.';
  let value: { logKey?: unknown; root?: { kty?: unknown; crv?: unknown; x?: unknown } } | null;
  try {
    value = JSON.parse(await readFile(file, 'utf8')) as typeof value;
  } catch (cause) {
    throw new CliError('usage', 'The verification keys cannot be read', { where: file, next, cause });
  }
  const { logKey, root } = value ?? {};
  if (typeof logKey !== 'string' || root?.kty !== 'OKP' || root.crv !== 'Ed25519' || typeof root.x !== 'string')
    throw new CliError('usage', 'This file has no verification keys', { where: file, next });
  return { file, logKey, root: { kty: 'OKP', crv: 'Ed25519', x: root.x } };
}
