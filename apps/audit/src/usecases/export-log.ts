import { checkpointLine, entryLine, exportFormat, headerLine, type LogKey, vkeyOf } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { logTools } from '../outbound/log-crypto.js';
import { checkpointUpTo, entriesFrom } from '../outbound/log-store.js';

export interface ExportOptions {
  readonly environment: string;
  readonly key: LogKey;
  /** The current signed list of the services' public keys. */
  readonly keyList: () => string;
}
const page = 500;

/**
 * The lines of the export, without newlines. Read page by page as it is consumed, so a slow reader costs no memory. It ends at the latest
 * checkpoint whose size is at most `size`; entries below it never change, so no transaction is needed.
 */
export async function* exportLines(store: Pick<Store, 'query'>, options: ExportOptions, size?: number): AsyncGenerator<string> {
  yield headerLine({
    format: exportFormat,
    origin: options.key.name,
    environment: options.environment,
    keyList: options.keyList(),
    logKey: vkeyOf(options.key, logTools),
  });
  const end = await checkpointUpTo(store, size);
  if (!end) return;
  for (let from = 0; from < end.size;) {
    const entries = await entriesFrom(store, from, end.size, page);
    for (const entry of entries) yield entryLine(entry, logTools.base64);
    const last = entries.at(-1);
    if (!last) break;
    from = last.index + 1;
  }
  yield checkpointLine(end.note);
}
