/** Credentials of an OAuth client in a file, and the tokens that were issued for them. */

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Of a JSON file. The error does not quote it, which the parser's would. */
export function clientCredentials(text: string): ClientCredentials {
  let parsed: Partial<ClientCredentials> | null = {};
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    // Reported below.
  }
  const { clientId, clientSecret }: Partial<ClientCredentials> = parsed ?? {};
  if (typeof clientId !== 'string' || typeof clientSecret !== 'string')
    throw new Error('the file must contain a JSON object with "clientId" and "clientSecret"');
  return { clientId, clientSecret };
}

const renewBeforeMs = 15_000;

/** The last token that the authorization server issued: used again for the same credentials until shortly before it expires. */
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
