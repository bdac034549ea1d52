/** The bearer token of the executor: from a file, or by OAuth client credentials. Files are read for each request, so that they can be replaced. */
import { readFile } from 'node:fs/promises';
import { TargetError } from '../connector.js';

/** Where the token comes from. */
export type TokenSource =
  | { /** Holds the token and nothing else. */ readonly tokenFile: string }
  | {
      /** Token endpoint of the authorization server, at the origin of the target. */
      readonly tokenUrl: string;
      /** JSON file with `clientId` and `clientSecret`. */
      readonly credentialsFile: string;
    };

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A token goes into a header as it is (RFC 6750, section 2.1). */
const tokenForm = /^[\w.~+/-]+=*$/;
const renewBeforeMs = 15_000;

/** Throws TargetError without quoting what the file holds. */
export async function tokenIn(file: string, name: string): Promise<string> {
  const token = (await textOf(file, name)).trim();
  if (!tokenForm.test(token))
    throw new TargetError(`the file with the token of ${name} does not hold a bearer token: ${file}`, 'none', 'refused');
  return token;
}

/** Throws TargetError without quoting what the file holds. */
export async function credentialsIn(file: string, name: string): Promise<ClientCredentials> {
  const text = await textOf(file, name);
  let parsed: Partial<ClientCredentials> | null = {};
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    // The parser's message would repeat what it could not read.
  }
  const { clientId, clientSecret }: Partial<ClientCredentials> = parsed ?? {};
  if (typeof clientId !== 'string' || typeof clientSecret !== 'string')
    throw new TargetError(
      `the credentials of ${name} must be a JSON object with "clientId" and "clientSecret": ${file}`,
      'none',
      'refused',
    );
  return { clientId, clientSecret };
}

async function textOf(file: string, name: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new TargetError(
      `the credentials of ${name} cannot be read from ${file}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`,
      'none',
      'refused',
    );
  }
}

/** Tokens that the authorization server issued, each for the credentials that it was issued for. */
export class IssuedToken {
  private held: { readonly value: string; readonly until: number; readonly client: string } | undefined;

  for(credentials: ClientCredentials): string | undefined {
    return this.held?.client === clientOf(credentials) && Date.now() < this.held.until ? this.held.value : undefined;
  }

  keep(value: string, seconds: number, credentials: ClientCredentials): void {
    const until = Date.now() + seconds * 1000 - Math.min(renewBeforeMs, seconds * 500);
    this.held = { value, until, client: clientOf(credentials) };
  }
}

const clientOf = ({ clientId, clientSecret }: ClientCredentials): string => JSON.stringify([clientId, clientSecret]);
