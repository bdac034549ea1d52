/** The bearer token of the executor: from a file, or by OAuth client credentials. */
import { mustBeHttps } from '@readmit/platform';

/** Where the token comes from. */
export type TokenSource =
  | { /** Holds the token and nothing else. */ readonly tokenFile: string }
  | {
      /** Token endpoint of the authorization server, at the origin of the target. */
      readonly tokenUrl: string;
      /** JSON file with `clientId` and `clientSecret`. */
      readonly credentialsFile: string;
    };

/** Exactly one way to get a token; otherwise undefined. */
export function tokenSourceOf({
  tokenFile,
  tokenUrl,
  credentialsFile,
}: {
  readonly tokenFile?: string | undefined;
  readonly tokenUrl?: string | undefined;
  readonly credentialsFile?: string | undefined;
}): TokenSource | undefined {
  if (tokenFile !== undefined) return tokenUrl === undefined && credentialsFile === undefined ? { tokenFile } : undefined;
  return tokenUrl !== undefined && credentialsFile !== undefined ? { tokenUrl, credentialsFile } : undefined;
}

/** Throws unless it is at the origin of the service provider, and secrets may travel to it. */
export function mustBeTokenUrl(tokenUrl: string, url: string): void {
  mustBeHttps(tokenUrl);
  if (new URL(tokenUrl).origin !== new URL(url).origin) throw new Error('must have the origin of url');
}

/** A token goes into a header as it is (RFC 6750, section 2.1). */
const tokenForm = /^[\w.~+/-]+=*$/;

/** Throws without quoting the text. */
export function bearerToken(text: string): string {
  const token = text.trim();
  if (!tokenForm.test(token)) throw new Error('the file does not contain a bearer token');
  return token;
}
