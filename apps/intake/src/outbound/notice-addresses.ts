import { allowedAge } from '@readmit/domain';
import { openDirectory } from '@readmit/signing';
import type { Store } from '@readmit/store';
import { isMailAddress } from './mail-address.js';

/** What intake keeps of a verified directory: mail addresses with their people, until they are saved. */
export interface ListedAddresses {
  readonly digest: string;
  readonly issuedAt: string;
  /** Contacts of the kind `email` that are no addresses: nothing can be sent to them. */
  readonly unusable: number;
  /** Persons and addresses, in parallel. Undefined once they are saved: the table has them, and 100,000 people need not stay in memory. */
  unsaved: { readonly people: readonly string[]; readonly addresses: readonly string[] } | undefined;
}

export async function openAddresses(...directory: Parameters<typeof openDirectory>): Promise<ListedAddresses> {
  const { directory: read, digest, issuedAt } = await openDirectory(...directory);
  const people: string[] = [];
  const addresses: string[] = [];
  let unusable = 0;
  for (const { id, contacts } of read.people)
    for (const { kind, value } of contacts) {
      if (kind !== 'email') continue;
      if (!isMailAddress(value)) unusable++;
      else {
        people.push(id);
        addresses.push(value);
      }
    }
  return { digest, issuedAt, unusable, unsaved: { people, addresses } };
}

/** As many as a person can have in the directory, and as many from before. */
const mostAddresses = 40;

/**
 * The addresses of people, those from before a recent change included: somebody who can change a contact must not keep the notice from its
 * owner. An address that left the directory is used for `days` more, then deleted.
 */
export class NoticeAddresses {
  constructor(
    private readonly store: Store,
    private readonly days: number,
  ) {}

  /**
   * Saves what the directory lists, in one statement for all that changed. An older directory than the one saved before changes nothing.
   * @throws {Error} the directory is dated in the future: it would outlast every later one.
   */
  async save(listed: ListedAddresses, now: Date): Promise<void> {
    const { unsaved, issuedAt, digest } = listed;
    if (!unsaved) return;
    if (allowedAge(listed, now, Number.POSITIVE_INFINITY) === undefined)
      throw new Error(`the directory was issued at ${issuedAt}, which is in the future. Sign it again, or correct the clocks`);
    await this.store.transaction(async (tx) => {
      // Its row is locked until the end: processes that read the same directory save it one after the other.
      const newer = await tx.query(
        `INSERT INTO notice_source AS s (digest, issued_at) VALUES ($1, $2::timestamptz)
         ON CONFLICT (one) DO UPDATE SET digest = excluded.digest, issued_at = excluded.issued_at
           WHERE s.issued_at <= excluded.issued_at AND s.digest <> excluded.digest
         RETURNING digest`,
        [digest, issuedAt],
      );
      if (newer.length === 0) return;
      // The whole list is compared with the whole table, which is not what the connection's settings are for.
      await tx.query(`SELECT set_config(name, 'on', true) FROM unnest(ARRAY['enable_hashjoin', 'enable_seqscan']) AS name`);
      await tx.query(
        `WITH listed AS (SELECT DISTINCT p COLLATE "C" AS p, a COLLATE "C" AS a FROM unnest($1::text[], $2::text[]) AS l(p, a)),
         gone AS (
           UPDATE notice_address n SET gone_at = now()
           WHERE n.gone_at IS NULL AND NOT EXISTS (SELECT FROM listed WHERE p = n.person AND a = n.address))
         INSERT INTO notice_address (person, address, seen_at)
         SELECT p, a, now() FROM listed
         WHERE NOT EXISTS (SELECT FROM notice_address n WHERE n.person = p AND n.address = a AND n.gone_at IS NULL)
         ON CONFLICT (person, address) DO UPDATE SET gone_at = NULL`,
        [unsaved.people, unsaved.addresses],
      );
    });
    listed.unsaved = undefined;
  }

  /** Present addresses first. Of those from before, the ones known longest: many changes in a row must not push the true one out. */
  async of(person: string): Promise<readonly string[]> {
    const rows = await this.store.query<{ address: string }>(
      `SELECT address FROM notice_address
       WHERE person = $1 AND (gone_at IS NULL OR gone_at > now() - make_interval(days => $2))
       ORDER BY gone_at IS NOT NULL, seen_at, address LIMIT $3`,
      [person, this.days, mostAddresses],
    );
    return rows.map(({ address }) => address);
  }

  /** Deletes what is no longer used: old addresses, and rows of notices that are over. */
  async forget(): Promise<void> {
    await this.store.query(
      `WITH deliveries AS (DELETE FROM notice_delivery WHERE at < now() - interval '7 days'),
       turns AS (DELETE FROM notice_turn WHERE due_at < now() - interval '1 day')
       DELETE FROM notice_address WHERE gone_at <= now() - make_interval(days => $1)`,
      [this.days],
    );
  }
}
