import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Directory, directoryType, type DirectorySource, type RecipientKey } from '@readmit/contracts';
import { Ajv } from 'ajv';
import { CompactSign, importJWK, type JWK } from 'jose';
import type { Static } from 'typebox';
import { parse } from 'yaml';
import { consumerKeysFile, recipientKeyOf, signingKeyFile, signingKeyOf } from '../state/keys.js';

/** The seed: the directory without what is made at the first start (keys of people and consumers). */
export interface Seed {
  readonly people: readonly Omit<Directory['people'][number], 'keys'>[];
  readonly machines: readonly (Omit<Directory['machines'][number], 'consumers'> & { readonly consumers: readonly string[] })[];
  readonly privileged: Directory['privileged'];
}

/** Reads a seed, or what `readmit directory init` wrote: the demo makes keys of its own for the people and consumers of either. */
export async function readSeed(file: string | URL): Promise<Seed> {
  const seed = parse(await readFile(file, 'utf8')) as Seed | Static<typeof DirectorySource>;
  const machines = seed.machines.map((machine) => ({
    ...machine,
    consumers: machine.consumers.map((consumer) => (typeof consumer === 'string' ? consumer : consumer.id)),
  }));
  return { ...seed, machines };
}

export interface SignedDirectory {
  readonly seed: Seed;
  /** Public keys of consumers, by consumer id. */
  readonly consumers: Readonly<Record<string, RecipientKey>>;
  /** Compact JWS (EdDSA) of the document as of `issuedAt`. */
  sign(issuedAt: Date): Promise<string>;
}

/** Makes the keys of personas and consumers at the first start and the directory that names their public halves. */
export async function openDirectory(seed: Seed, stateDir: string | undefined, directoryKey: JWK): Promise<SignedDirectory> {
  const inState = (...parts: string[]) => stateDir && path.join(stateDir, ...parts);
  const people = await Promise.all(
    seed.people.map(async (person) => {
      const jwk = await signingKeyFile(inState('keys', `${person.id}.jwk`));
      return { ...person, keys: [{ kid: jwk.kid ?? person.id, type: 'software-key' as const, key: signingKeyOf(jwk) }] };
    }),
  );
  const consumers: Record<string, RecipientKey> = {};
  for (const id of new Set(seed.machines.flatMap((machine) => machine.consumers))) {
    const keys = await consumerKeysFile(inState('consumers', `${id}.json`), id);
    consumers[id] = recipientKeyOf(keys.signing, keys.sealing);
  }
  const machines = seed.machines.map((machine) => ({
    ...machine,
    consumers: machine.consumers.flatMap((id) => {
      const key = consumers[id];
      return key ? [{ id, key }] : [];
    }),
  }));
  const valid = new Ajv({ strict: false }).compile<Directory>(Directory);
  const documentAt = (issuedAt: Date): Directory => {
    const document: unknown = { version: 1, issuedAt: issuedAt.toISOString(), people, machines, privileged: seed.privileged };
    if (!valid(document))
      throw new Error(
        `the demo's directory seed is not a directory: ${valid.errors?.map((each) => `${each.instancePath} ${each.message}`).join('; ')}`,
      );
    return document;
  };
  documentAt(new Date(0)); // a wrong seed fails the start, not the first reader
  const key = await importJWK(directoryKey, 'EdDSA');
  return {
    seed,
    consumers,
    sign: (issuedAt) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify(documentAt(issuedAt))))
        .setProtectedHeader({ alg: 'EdDSA', typ: directoryType, ...(directoryKey.kid ? { kid: directoryKey.kid } : {}) })
        .sign(key),
  };
}
