import { batchPae, encodeBatchSignature, isEnvironment, maxLeaves, signatureHeader, treeWithPaths } from '@readmit/contracts';
import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { OutgoingRecord } from '@readmit/bus';
import { keyIdOf, recordLeafHash, sha256 } from './hashing.js';

/** Ed25519 private key as a JWK (RFC 8037). Secret. */
export interface PrivateJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly d: string;
}

/** A service's hand: signs the events of one transaction, a tree of at most 32 at a time. */
export class Signer {
  readonly kid: string;
  private readonly keyId: Uint8Array;
  private readonly key: KeyObject;

  /**
   * @param whyNot called before each signature; the reason it returns is thrown, so that no event is published that would be rejected.
   * @throws {Error} the JWK is not an Ed25519 private key; the message never holds it.
   */
  constructor(
    jwk: PrivateJwk,
    private readonly whyNot: (kid: string) => string | undefined = () => undefined,
  ) {
    let x: string | undefined;
    try {
      this.key = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
      x = createPublicKey(this.key).export({ format: 'jwk' }).x;
    } catch {
      throw new Error('the signing key is not an Ed25519 private JWK: make service keys again with the set-up');
    }
    if (this.key.asymmetricKeyType !== 'ed25519' || x === undefined) throw new Error('the signing key is not an Ed25519 private JWK');
    this.kid = keyIdOf(x);
    this.keyId = Buffer.from(this.kid, 'hex');
  }

  /** The records with their header `readmit-signature`, in the same order. */
  sign(environment: string, records: readonly OutgoingRecord[]): OutgoingRecord[] {
    if (!isEnvironment(environment)) throw new Error(`not a name of an environment: ${JSON.stringify(environment)}`);
    const why = this.whyNot(this.kid);
    if (why !== undefined) throw new Error(`cannot sign: ${why}. Restart the service with its new key`);
    const signed: OutgoingRecord[] = [];
    for (let from = 0; from < records.length; from += maxLeaves) {
      const leaves = records.slice(from, from + maxLeaves);
      const { root, paths } = treeWithPaths(
        sha256,
        leaves.map((record) => recordLeafHash(environment, record)),
      );
      const signature = sign(null, batchPae(environment, leaves.length, root), this.key);
      leaves.forEach((record, index) => {
        const bytes = encodeBatchSignature({ keyId: this.keyId, index, size: leaves.length, path: paths[index] ?? [], signature });
        const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
        signed.push({ ...record, headers: { ...record.headers, [signatureHeader]: header } });
      });
    }
    return signed;
  }
}
