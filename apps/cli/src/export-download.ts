import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { CliError } from './errors.js';
import { fileFailure } from './files.js';

/** What was kept of an export. */
export interface Kept {
  readonly bytes: number;
  readonly lines: number;
  readonly entries: number;
  readonly sha256: string;
}

/** Writes an export to the disk as it arrives. A disk that takes no more is told apart from a service that sends no more. */
export async function keepExport(
  chunks: AsyncIterable<Uint8Array>,
  handle: FileHandle,
  { file, origin }: { readonly file: string; readonly origin: string },
): Promise<Kept> {
  const hash = createHash('sha256');
  const counted = new LineCount();
  const toDisk = (work: Promise<void>): Promise<void> =>
    work.catch((cause: unknown) => {
      throw fileFailure('write', file, cause);
    });
  try {
    for await (const chunk of chunks) {
      await toDisk(handle.writeFile(chunk));
      hash.update(chunk);
      counted.take(chunk);
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('unreachable', 'The export was interrupted', { where: origin, next: 'Nothing was saved. Try again.', cause });
  }
  await toDisk(handle.sync());
  const { bytes, lines, entries } = counted;
  return { bytes, lines, entries, sha256: hash.digest('hex') };
}

const lineFeed = 0x0a;
/** How the line of an entry begins; the header and the checkpoints begin otherwise. */
const entryStart = Buffer.from('{"index":');

/** Counts what an export has as its bytes go by. */
class LineCount {
  bytes = 0;
  lines = 0;
  entries = 0;
  private column = 0;
  private matches = true;

  take(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    for (const byte of chunk) {
      if (byte === lineFeed) {
        this.lines += 1;
        this.column = 0;
        this.matches = true;
        continue;
      }
      if (this.column < entryStart.length) {
        this.matches &&= byte === entryStart[this.column];
        if (this.matches && this.column === entryStart.length - 1) this.entries += 1;
      }
      this.column += 1;
    }
  }
}
