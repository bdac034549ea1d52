/** A live source with classification's tables: its runs, and the directory that a case gets. */
import type { Directory } from '@readmit/contracts';
import type { DirectoryReading } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { fileURLToPath } from 'node:url';
import { withLiveSource } from '../src/outbound/case-directory.js';
import type { FactSource } from '../src/outbound/fact-source.js';
import { loadPolicy } from '../src/outbound/policy-file.js';
import { SourceTables } from '../src/outbound/source-tables.js';
import { SourceWatch } from '../src/outbound/source-watch.js';

export const policyFile = fileURLToPath(new URL('../../../deploy/policies/default.yaml', import.meta.url));
export const policy = await loadPolicy(policyFile);

export interface Rig {
  readonly watch: SourceWatch;
  readonly source: FactSource;
  readonly tables: SourceTables;
  readonly logged: string[];
  /** The directory of a case. */
  of(subject: string, more?: { readonly requester?: string; readonly other?: string }): Promise<DirectoryReading>;
}

export function sourceRig({
  source,
  store,
  people,
  now,
  logged,
  reader,
}: {
  readonly source: FactSource;
  readonly store: Store;
  /** In the signed file. */
  readonly people: Directory['people'];
  readonly now: () => Date;
  readonly logged: string[];
  readonly reader: string;
}): Rig {
  const directory: Directory = { version: 1, issuedAt: now().toISOString(), people, machines: [], privileged: [] };
  const file = { read: () => Promise.resolve({ directory, digest: 'd'.repeat(64), issuedAt: directory.issuedAt }) };
  const log = {
    error: (fields: object, text?: string) => void logged.push(`${text}: ${(fields as { error?: string }).error}`),
    info: (_fields: object, text?: string) => void logged.push(String(text)),
  };
  const tables = new SourceTables(store, source, reader);
  const watch = new SourceWatch(source, tables, log as never, now);
  const cases = withLiveSource(file, { source, tables, policy: policy.document, now });
  return {
    watch,
    source,
    tables,
    logged,
    of: (subject, { requester, other } = {}) =>
      cases.read(
        { parties: [subject, ...(requester === undefined ? [] : [requester])], others: other === undefined ? [] : [other] },
        AbortSignal.timeout(10_000),
      ),
  };
}
export const whoIs = (reading: DirectoryReading, id: string) => reading.directory.people.find((one) => one.id === id);

/** People in the tables. */
export const counted = async (store: Store): Promise<number> =>
  (await store.query<{ people: number }>('SELECT count(*)::int AS people FROM directory_person'))[0]?.people ?? 0;
