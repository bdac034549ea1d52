import { exportJWK, generateKeyPair, SignJWT, type JWTPayload, type CryptoKey, type JWK } from 'jose';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small OpenID Connect issuer: discovery document and keys over HTTP, tokens by jose. */
export interface TestIssuer {
  /** Its name, as tokens and the discovery document say it. */
  readonly url: string;
  /** How often the keys were asked for. */
  readonly asked: { keys: number };
  token(
    claims?: JWTPayload,
    options?: {
      readonly typ?: string;
      readonly kid?: string;
      readonly signWith?: 'own' | 'foreign';
      readonly issuedAt?: number;
      readonly expiresAt?: number;
    },
  ): Promise<string>;
  /** Answers 500 from now on. */
  break(): void;
  close(): Promise<void>;
}

/** @param ending what its name ends in, behind host and port */
export async function startIssuer(ending: '' | '/' = ''): Promise<TestIssuer> {
  const own = await generateKeyPair('EdDSA', { extractable: true });
  const foreign = await generateKeyPair('EdDSA', { extractable: true });
  const key: JWK = { ...(await exportJWK(own.publicKey)), kid: 'issuer-1', alg: 'EdDSA', use: 'sig' };
  const asked = { keys: 0 };
  let broken = false;
  let origin = '';
  const server: Server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (broken) response.writeHead(500).end('{}');
    else if (request.url === '/.well-known/openid-configuration')
      response.end(JSON.stringify({ issuer: `${origin}${ending}`, jwks_uri: `${origin}/jwks` }));
    else if (request.url === '/jwks') {
      asked.keys++;
      response.end(JSON.stringify({ keys: [key] }));
    } else response.writeHead(404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}${ending}`;
  const sign = (with_: CryptoKey, claims: JWTPayload, header: { readonly typ: string; readonly kid: string }, iat: number, exp: number) =>
    new SignJWT({ iss: url, aud: 'readmit-api', sub: 'person:ada', teams: [], client_id: 'readmit-cli', iat, exp, ...claims })
      .setProtectedHeader({ alg: 'EdDSA', ...header })
      .sign(with_);
  return {
    url,
    asked,
    token: (claims = {}, options = {}) => {
      const now = Math.floor(Date.now() / 1000);
      return sign(
        options.signWith === 'foreign' ? foreign.privateKey : own.privateKey,
        claims,
        { typ: options.typ ?? 'at+jwt', kid: options.kid ?? 'issuer-1' },
        options.issuedAt ?? now,
        options.expiresAt ?? now + 300,
      );
    },
    break: () => {
      broken = true;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
