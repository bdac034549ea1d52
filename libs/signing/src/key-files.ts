import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { services, type ServiceName } from '@readmit/contracts';
import { logKey, vkeyOf } from '@readmit/domain';
import { keyIdOf } from './hashing.js';
import { loadKeyRing, makeServiceKeys, makeSigningKey, signKeyList, type PublicJwk } from './key-ring.js';
import type { PrivateJwk } from './signer.js';

/** Where the keys of an installation lie, and what is public of them. */
export interface KeyFiles {
  readonly serviceKeyFile: Readonly<Record<ServiceName, string>>;
  readonly keyListFile: string;
  /** x of the root's public key. */
  readonly rootKey: string;
  readonly logKeyFile: string;
  readonly contactSaltFile: string;
  /** What a verifier of the log must know from elsewhere than the log (`readmit audit verify --keys`). */
  readonly trustFile: string;
  /** Files that were not there before; empty when everything was. */
  readonly made: readonly string[];
}

/** What is in the trust file. */
export interface Trust {
  readonly logKey: string;
  readonly root: PublicJwk;
}
/** Where the root's private half is put when it is made. */
export const rootFile = 'root-belongs-offline.jwk';

/** The files of an installation's keys by what they hold. */
export function pathsIn(folder: string) {
  const at = (name: string): string => path.join(folder, name);
  return {
    serviceKeyFile: Object.fromEntries(services.map((service) => [service, at(`${service}.jwk`)])) as Record<ServiceName, string>,
    keyListFile: at('service-keys.jws'),
    logKeyFile: at('log.jwk'),
    contactSaltFile: at('contact.salt'),
    trustFile: at('trust.json'),
  };
}

/** What `keyFiles` would make, in words, for a dry run; empty when the keys are there. @throws {Error} as `keyFiles` would. */
export async function planKeyFiles(folder: string, environment: string): Promise<readonly string[]> {
  const files = pathsIn(folder);
  if (await isWhole(files, folder, environment)) return [];
  const { serviceKeyFile, keyListFile, logKeyFile, contactSaltFile, trustFile } = files;
  return [
    `make a root key in ${path.join(folder, rootFile)}: take it offline afterwards`,
    ...services.map((service) => `make the signing key of ${service} in ${serviceKeyFile[service]} (mode 0600)`),
    `sign the list of their public halves with the root key: ${keyListFile}`,
    `make the key that signs the log's checkpoints in ${logKeyFile} and the salt of contact digests in ${contactSaltFile}`,
    `write what a verifier of the log needs, all of it public, to ${trustFile}`,
  ];
}

/**
 * Makes the keys of an installation once: a root that signs the list of service keys, one key a service, the log's key and the salt
 * of contact digests, each in a file with mode 0600. What is there already is checked and kept; the root's private half need not be
 * there any more. @throws {Error} the folder holds half a set, or keys of another environment; nothing is replaced.
 */
export async function keyFiles(folder: string, environment: string): Promise<KeyFiles> {
  const files = pathsIn(folder);
  const known = await isWhole(files, folder, environment);
  if (known) return { ...files, rootKey: known.rootKey, made: [] };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const root = makeSigningKey();
  const { keys, list } = makeServiceKeys(new Date(), services, environment);
  const log = makeSigningKey();
  await keep(files.keyListFile, await signKeyList(list, root.private));
  for (const service of services) await keep(files.serviceKeyFile[service], named(keys[service]));
  await keep(files.logKeyFile, named(log.private));
  await keep(files.contactSaltFile, randomBytes(32).toString('base64url'));
  await keep(path.join(folder, rootFile), named(root.private));
  await keep(files.trustFile, JSON.stringify({ logKey: vkey(environment, log.public.x), root: root.public } satisfies Trust));
  return { ...files, rootKey: root.public.x, made: [...filesOf(files, folder), files.trustFile] };
}

const filesOf = (files: ReturnType<typeof pathsIn>, folder: string): readonly string[] => [
  ...Object.values(files.serviceKeyFile),
  files.keyListFile,
  files.logKeyFile,
  files.contactSaltFile,
  path.join(folder, rootFile),
];

/** Undefined: nothing is there. @throws {Error} half a set is there, or one of another environment. */
async function isWhole(files: ReturnType<typeof pathsIn>, folder: string, environment: string): Promise<{ rootKey: string } | undefined> {
  // Written last: when it is there, everything is.
  const trust = await readIfThere(files.trustFile);
  if (trust !== undefined) return { rootKey: await checked(files, trust, environment) };
  for (const file of filesOf(files, folder))
    if (await exists(file))
      throw new Error(`${file} exists but ${files.trustFile} does not: key generation was interrupted. Move the files away and start over`);
  return undefined;
}

/** That the files belong together and to this environment. Returns x of the root. */
async function checked(files: ReturnType<typeof pathsIn>, trustText: string, environment: string): Promise<string> {
  const advice = 'Restore the file from the same backup as the others, or start over in another folder';
  const keyIn = async (file: string): Promise<PrivateJwk> => {
    const text = await readIfThere(file);
    if (text === undefined) throw new Error(`${file} is missing. ${advice}`);
    return parsed<PrivateJwk>(file, text);
  };
  const trust = parsed<Trust>(files.trustFile, trustText);
  const { x } = await keyIn(files.logKeyFile);
  if (vkey(environment, x) !== trust.logKey)
    throw new Error(`${files.trustFile} does not name the key in ${files.logKeyFile} for the environment ${environment}. ${advice}`);
  const list = await readIfThere(files.keyListFile);
  if (list === undefined) throw new Error(`${files.keyListFile} is missing. ${advice}`);
  const ring = await loadKeyRing(list, trust.root, environment);
  for (const service of services) {
    const own = await keyIn(files.serviceKeyFile[service]);
    if (ring.get(keyIdOf(own.x))?.owner !== service)
      throw new Error(`${files.serviceKeyFile[service]} is not a key of ${service} in ${files.keyListFile}. ${advice}`);
  }
  if (!(await exists(files.contactSaltFile))) throw new Error(`${files.contactSaltFile} is missing. ${advice}`);
  return trust.root.x;
}

const logNames = 'readmit.example/log/';
/** The environment that the trust file was made for; `undefined`: its log has a name of somebody's choice. */
export const environmentOf = ({ logKey: text }: Trust): string | undefined =>
  new RegExp(`^${logNames.replaceAll('.', '\\.')}([a-z0-9-]{1,63})\\+`).exec(text)?.[1];

/** The log's verifier key (C2SP). Its name is what audit uses when READMIT_LOG_ORIGIN is not set. */
function vkey(environment: string, x: string): string {
  const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
  const base64 = {
    encode: (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64'),
    decode: (text: string): Uint8Array => Buffer.from(text, 'base64'),
  };
  return vkeyOf(logKey(`${logNames}${environment}`, Buffer.from(x, 'base64url'), { sha256 }), { base64 });
}

/** A private key as a file's text. Secret. */
export const named = (key: PrivateJwk): string => JSON.stringify({ ...key, kid: keyIdOf(key.x) });

async function keep(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
/** JSON of a file. @throws {Error} it is none; never quotes it. */
export function parsed<T>(file: string, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    // The parser's message would quote the file, which is a private key.
    throw new Error(`${file} is not JSON. Restore it from the same backup as the others`);
  }
}
/** `undefined`: there is no such file. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
