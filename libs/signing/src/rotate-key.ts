import type { KeyList, ServiceKey, ServiceName } from '@readmit/contracts';
import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { keyIdOf } from './hashing.js';
import { environmentOf, named as textOf, parsed, pathsIn, readIfThere, rootFile, type Trust } from './key-files.js';
import { makeSigningKey, openKeyList, signKeyList } from './key-ring.js';
import type { PrivateJwk } from './signer.js';

export interface RotationOptions {
  /** The folder of `keyFiles`. */
  readonly folder: string;
  readonly service: ServiceName;
  /** Private half of the root; absent: where `keyFiles` put it. */
  readonly rootFile?: string;
  /** For how long what the service signs with its present key is believed. */
  readonly overlapMs: number;
  /** The current key is compromised: everything that arrives under it from now on is rejected. */
  readonly revoke?: boolean;
  readonly now: Date;
  /** Without it everything is checked and nothing is written. */
  readonly apply: boolean;
}
export interface Rotation {
  readonly retired: string;
  /** Absent while nothing is written. */
  readonly made?: string;
  /** When the present key ends. */
  readonly until: string;
  readonly keyFile: string;
  readonly keyListFile: string;
}

/** The clock of the database that the new key's first events are timed by may be behind ours. */
const earlierMs = 10 * 60_000;

/**
 * Gives a service another signing key: the list names both, and the service's file holds the new one. The list is written first, so that
 * no service can start with a key that nobody knows. @throws {Error} says which file does not fit; nothing was written.
 */
export async function rotateServiceKey(options: RotationOptions): Promise<Rotation> {
  const { folder, service, now, apply } = options;
  const { keyListFile, trustFile, serviceKeyFile } = pathsIn(folder);
  const keyFile = serviceKeyFile[service];
  const there = async (file: string, advice: string): Promise<string> => {
    const text = await readIfThere(file);
    if (text === undefined) throw new Error(`${file} is missing. ${advice}`);
    return text;
  };
  const trust = parsed<Trust>(trustFile, await there(trustFile, 'Name the folder that readmit setup --keys-dir made'));
  const list = await openKeyList(await there(keyListFile, 'Restore it from the same backup as the other files'), trust.root);
  const atRoot = options.rootFile ?? path.join(folder, rootFile);
  const root = parsed<PrivateJwk>(atRoot, await there(atRoot, 'Bring the root key from its offline storage, or name its file'));
  if (root.x !== trust.root.x)
    throw new Error(`${atRoot} is not the root key that signed ${keyListFile}: bring the one of this installation`);
  const retired = keyIdOf(parsed<PrivateJwk>(keyFile, await there(keyFile, 'Restore it from the same backup as the other files')).x);
  if (list.keys.find(({ kid }) => kid === retired)?.owner !== service)
    throw new Error(`${keyFile} is not a key of ${service} in ${keyListFile}: put the service's own file back`);
  const until = new Date(now.getTime() + (options.revoke ? 0 : options.overlapMs)).toISOString();
  if (!apply) return { retired, until, keyFile, keyListFile };
  const fresh = makeSigningKey();
  const environment = list.environment ?? environmentOf(trust);
  const named: KeyList = { ...list, ...(environment === undefined ? {} : { environment }) };
  const later = withKey(named, { ...options, until, key: fresh.public, kid: fresh.kid });
  const keyIsThere = await stage(keyFile, textOf(fresh.private));
  const listIsThere = await stage(keyListFile, await signKeyList(later, root));
  await listIsThere();
  await keyIsThere();
  return { retired, made: fresh.kid, until, keyFile, keyListFile };
}

/** Every other key of the service ends; one that ended before keeps its end. Keys stay in the list permanently: what they signed is still verified with it. */
function withKey(
  list: KeyList,
  { service, revoke, until, now, key, kid }: RotationOptions & Pick<ServiceKey, 'key' | 'kid'> & { readonly until: string },
): KeyList {
  const ended = (one: ServiceKey): ServiceKey => {
    if (one.owner !== service) return one;
    if (revoke) return { ...one, revokedAt: earlier(one.revokedAt, until) };
    return { ...one, notAfter: earlier(one.notAfter, until) };
  };
  const issued = Math.max(now.getTime(), Date.parse(list.issuedAt) + 1);
  const entry = { kid, owner: service, key, notBefore: new Date(now.getTime() - earlierMs).toISOString(), notAfter: null, revokedAt: null };
  return { ...list, issuedAt: new Date(issued).toISOString(), keys: [...list.keys.map(ended), entry] };
}
const earlier = (one: string | null, other: string): string => (one !== null && Date.parse(one) < Date.parse(other) ? one : other);

/** Writes the text to a temporary file next to it, synced to disk, with the same owner; the returned function puts it in the file's place. */
async function stage(file: string, text: string): Promise<() => Promise<void>> {
  const { uid, gid } = await stat(file);
  const next = `${file}.next`;
  await rm(next, { force: true });
  const handle = await open(next, 'wx', 0o600);
  try {
    const own = await handle.stat();
    if (own.uid !== uid || own.gid !== gid) await handle.chown(uid, gid);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return async () => {
    await rename(next, file);
    const folder = await open(path.dirname(file), 'r');
    await folder.sync().finally(() => folder.close());
  };
}
