import type { Store } from '@readmit/store';
import type { KeyRing } from '@readmit/signing';

/** The key list is older than one that the service has believed before. */
export class OlderKeyListError extends Error {
  constructor(issuedAt: string, believed: string) {
    super(
      `the key list of ${issuedAt} is older than the one of ${believed} that this service has believed: it may have been put back to hide a ` +
        `revocation. Put the latest list in its place; if that is lost, sign a new one: readmit key rotate`,
    );
    this.name = 'OlderKeyListError';
  }
}

/**
 * Remembers the list in the service's own schema as believed, unless a later one was before it, by this process or any other.
 * @throws {OlderKeyListError} then nothing of the list may be used.
 */
export async function believe(store: Pick<Store, 'query'>, { issuedAt }: Pick<KeyRing, 'issuedAt'>): Promise<void> {
  const [row] = await store.query<{ issued_at: Date }>(
    `INSERT INTO key_list_believed AS known (issued_at) VALUES ($1)
     ON CONFLICT (one) DO UPDATE SET issued_at = greatest(known.issued_at, excluded.issued_at) RETURNING issued_at`,
    [issuedAt],
  );
  if (row && row.issued_at.getTime() > Date.parse(issuedAt)) throw new OlderKeyListError(issuedAt, row.issued_at.toISOString());
}
