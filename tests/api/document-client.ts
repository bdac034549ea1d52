/**
 * A client written from the OpenAPI document alone: it reads paths and statuses from it at run time, and signs as its descriptions say. It
 * imports nothing of Readmit.
 */
import { createHash, createHmac, createPrivateKey, generateKeyPairSync, randomUUID, sign, type JsonWebKey } from 'node:crypto';
import canonicalize from 'canonicalize';
import { compactDecrypt, CompactSign, importJWK, type JWK } from 'jose';

export interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: Json }>> };
  readonly responses: Readonly<Record<string, object>>;
}
export type Json = { readonly [name: string]: unknown };
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
/** A one-time key, and its public part for requests. */
export interface CaseKey {
  readonly signing: JsonWebKey;
  readonly sealing: JsonWebKey;
  readonly shown: { readonly signing: object; readonly sealing: object; readonly fingerprint: string };
}
export interface Sent {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly mediaType?: string;
  /** Access token. */
  readonly token?: string | undefined;
  readonly key?: CaseKey;
}
export interface Answer {
  readonly status: number;
  readonly body: Json;
}

const sha256 = (text: string) => createHash('sha256').update(text);
const jcs = (value: unknown): string => canonicalize(value) ?? '';
export const digestOf = (value: unknown): string => sha256(jcs(value)).digest('hex');
const publicPart = ({ kty, crv, x }: JsonWebKey) => ({ kty, crv, x });

export function caseKeyOf(signing: JsonWebKey, sealing: JsonWebKey): CaseKey {
  const shown = { sealing: publicPart(sealing), signing: publicPart(signing) };
  return { signing, sealing, shown: { ...shown, fingerprint: digestOf(shown) } };
}
export const newCaseKey = (): CaseKey =>
  caseKeyOf(
    generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
    generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' }),
  );
/** The code that the person reads out. */
export function callBackCode(codeNonce: string, { shown }: CaseKey): string {
  const digits = createHmac('sha256', codeNonce).update(shown.fingerprint).digest('hex');
  return `${digits.slice(0, 4)}-${digits.slice(4, 8)}`;
}
export const unsealed = async (jwe: string, key: CaseKey): Promise<Json> => {
  const { plaintext } = await compactDecrypt(jwe, await importJWK(key.sealing as JWK, 'ECDH-ES'));
  return JSON.parse(new TextDecoder().decode(plaintext)) as Json;
};
/** The statement with the approver's signature. */
export function decisionOf(
  statement: object,
  key: JsonWebKey & { readonly kid?: string },
): { readonly statement: object; readonly proof: object } {
  const type = 'application/vnd.readmit.decision.v1+json';
  const payload = jcs(statement);
  const bytes = Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${Buffer.byteLength(payload)} ${payload}`);
  const signature = sign(null, bytes, createPrivateKey({ key, format: 'jwk' })).toString('base64url');
  return { statement, proof: { type: 'software-key', kid: key.kid, signature } };
}

export class DocumentClient {
  private readonly operations: ReadonlyMap<string, { readonly method: string; readonly path: string; readonly operation: Operation }>;

  private constructor(
    private readonly origin: string,
    readonly document: OpenApi,
  ) {
    this.operations = new Map(
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => [operation.operationId, { method: method.toUpperCase(), path, operation }]),
      ),
    );
  }
  static async at(origin: string): Promise<DocumentClient> {
    return new DocumentClient(origin, (await (await fetch(`${origin}/openapi.json`)).json()) as OpenApi);
  }

  get names(): readonly string[] {
    return [...this.operations.keys()];
  }
  operation(name: string): Operation {
    return this.found(name).operation;
  }
  private found(name: string) {
    const found = this.operations.get(name);
    if (!found) throw new Error(`the document has no operation ${name}`);
    return found;
  }

  /** Sends it, and throws if the document does not list the status for the operation. */
  async send(name: string, { params = {}, body, mediaType = 'application/json', token, key }: Sent = {}): Promise<Answer> {
    const { method, path, operation } = this.found(name);
    const target = path.replaceAll(/\{(\w+)\}/g, (_, param: string) => encodeURIComponent(params[param] ?? ''));
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(`${this.origin}${target}`, {
      method,
      headers: {
        ...(text === undefined ? {} : { 'content-type': mediaType }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(key === undefined ? {} : { 'readmit-proof': await proofOf(key, method, target, text) }),
      },
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    if (!(String(response.status) in operation.responses))
      throw new Error(`${name} responded with ${response.status}, which is not described: ${answer}`);
    const lines = response.headers.get('content-type')?.startsWith('application/x-ndjson');
    return { status: response.status, body: lines ? { lines: answer.split('\n') } : (JSON.parse(answer) as Json) };
  }
}

async function proofOf({ signing }: CaseKey, htm: string, htu: string, text: string | undefined): Promise<string> {
  const bodyDigest = text === undefined ? {} : { bodyDigest: sha256(text).digest('base64url') };
  const claims = { htm, htu, iat: Math.floor(Date.now() / 1000), jti: randomUUID(), ...bodyDigest };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'readmit-proof+jwt', jwk: publicPart(signing) as JWK })
    .sign(await importJWK(signing as JWK, 'EdDSA'));
}
