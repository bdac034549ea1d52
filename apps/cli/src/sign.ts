import { createHash, sign } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Proof, Statement } from '@readmit/contracts';
import type { Static } from 'typebox';
import { canonical, privateKeyOf, publicSigning, type ApproverKey, type PrivateJwk, type SigningJwk } from './keys.js';

export const decisionPayloadType = 'application/vnd.readmit.decision.v1+json';

/** DSSE v1 pre-authentication encoding: what is signed instead of the bare text, so that no other type can be passed off. */
export function preAuthenticationEncoding(payloadType: string, text: string): Buffer {
  return Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${Buffer.byteLength(text)} ${text}`);
}

/** An approver's signature over the statement that was shown. */
export function signStatement(statement: Static<typeof Statement>, key: ApproverKey): Static<typeof Proof> {
  const signature = sign(null, preAuthenticationEncoding(decisionPayloadType, canonical(statement)), privateKeyOf(key)).toString(
    'base64url',
  );
  return { type: 'software-key', kid: key.kid, signature };
}

export interface ProofOf {
  readonly method: string;
  /** Path with query, as the server sees it. */
  readonly target: string;
  /** The raw bytes that are sent. */
  readonly body?: string;
  readonly at: Date;
  readonly id: string;
}

/** The header `readmit-proof`: possession of the case's (or consumer's) key, for this one request. */
export async function requestProof(key: PrivateJwk<SigningJwk>, of: ProofOf): Promise<string> {
  const bodyDigest = of.body === undefined ? undefined : createHash('sha256').update(of.body).digest('base64url');
  return new SignJWT({ htm: of.method, htu: of.target, ...(bodyDigest === undefined ? {} : { bodyDigest }) })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'readmit-proof+jwt', jwk: publicSigning(key) })
    .setIssuedAt(Math.floor(of.at.getTime() / 1000))
    .setJti(of.id)
    .sign(privateKeyOf(key));
}
