import { ProofClaims, proofFault, proofFreshSeconds, proofSkewSeconds, proofType, type ProofFault } from '@readmit/contracts';
import { Ajv } from 'ajv';
import { compactVerify, EmbeddedJWK, errors } from 'jose';
import { createHash } from 'node:crypto';
import type { ProvenKey } from './call.js';
import { ProblemError, unavailable } from './problem.js';

const isProofClaims = new Ajv({ validateSchema: false }).compile<ProofClaims>(ProofClaims);
const says: Readonly<Record<ProofFault, string>> = {
  'proof-method': 'The proof is for another method.',
  'proof-path': 'The proof is for another path.',
  'proof-stale': `The proof is older than ${proofFreshSeconds} seconds. Make a new one for each request.`,
  'proof-from-future': 'The proof is from the future. Check the clock.',
  'proof-body': 'The proof does not cover the body of this request.',
};
const refusedProof = (reason: string, sentence: string) =>
  new ProblemError(401, reason, sentence, {
    headers: { 'www-authenticate': `Readmit-Proof realm="readmit", error="invalid_proof", error_description="${reason}"` },
  });

export interface ProofRequest {
  readonly method: string;
  /** Path with query, as it came. */
  readonly path: string;
  readonly rawBody: Buffer | undefined;
}

/**
 * Verifies case-key proofs and remembers their ids until they are stale. The memory is this process's: another replica, or this one
 * after a restart, would take a repeat within the minute, which repeats the same command over the same body and so changes nothing.
 */
export class ProofVerifier {
  private readonly seen = new Map<string, number>();

  constructor(
    private readonly now: () => Date,
    /** Ids that are remembered; beyond it the answer is 503, because forgetting one would allow its repeat. */
    private readonly capacity = 100_000,
  ) {}

  async verify(proof: string, request: ProofRequest): Promise<ProvenKey> {
    const { claims, x } = await this.opened(proof);
    const body = request.rawBody && request.rawBody.length > 0 ? request.rawBody : undefined;
    const digest = body && createHash('sha256').update(body).digest('base64url');
    const fault = proofFault(
      claims,
      { method: request.method, path: request.path, ...(digest === undefined ? {} : { bodyDigest: digest }) },
      this.now(),
    );
    if (fault) throw refusedProof(fault, says[fault]);
    this.spend(`${x}:${claims.jti}`, claims.iat);
    return { signing: { kty: 'OKP', crv: 'Ed25519', x } };
  }

  private async opened(proof: string): Promise<{ readonly claims: ProofClaims; readonly x: string }> {
    try {
      const { payload, protectedHeader } = await compactVerify(proof, EmbeddedJWK, { algorithms: ['EdDSA'] });
      if (protectedHeader.typ !== proofType) throw refusedProof('proof-type', `The proof's typ is not ${proofType}.`);
      const { kty, crv, x, ...more }: Partial<Record<string, unknown>> = { ...protectedHeader.jwk };
      if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || Object.keys(more).length > 0)
        throw refusedProof('proof-key', 'The key of the proof is not a plain public Ed25519 JWK.');
      const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
      if (!isProofClaims(claims))
        throw refusedProof('proof-malformed', 'The proof does not have the claims htm, htu, iat, jti and bodyDigest.');
      return { claims, x };
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      if (error instanceof errors.JOSEAlgNotAllowed) throw refusedProof('proof-algorithm', 'The proof is not signed with EdDSA.');
      if (error instanceof errors.JWSSignatureVerificationFailed)
        throw refusedProof('proof-signature', 'The signature of the proof is wrong.');
      // jose, WebCrypto, JSON and text decoder each say in their own way that it is not a proof.
      if (error instanceof Error) throw refusedProof('proof-malformed', 'The proof cannot be read.');
      throw error;
    }
  }

  private spend(id: string, issuedAt: number): void {
    const seconds = this.now().getTime() / 1000;
    if (this.seen.has(id)) throw refusedProof('proof-replayed', 'This proof was used before. Make a new one for each request.');
    if (this.seen.size >= this.capacity) {
      for (const [old, until] of this.seen) if (until <= seconds) this.seen.delete(old);
      if (this.seen.size >= this.capacity)
        throw unavailable('proof-memory-full', 'Too many proofs came within a minute. Try again.', undefined, proofFreshSeconds);
    }
    this.seen.set(id, issuedAt + proofFreshSeconds + proofSkewSeconds);
  }
}
