import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** Writes a file that only its owner may read, so that a reader sees the old content or the new, never a part (fsync, rename). */
export async function writePrivately(file: string, content: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** A value kept in memory and, with a file, on disk. */
export class JsonFile<T> {
  private writing: Promise<void> = Promise.resolve();
  private queued: Promise<void> | undefined;

  private constructor(
    readonly value: T,
    private readonly file: string | undefined,
  ) {}

  /** Reads the file, or makes the value and writes it. Throws when the file is there and unreadable: never starts over silently. */
  static async open<T>(file: string | undefined, make: () => T | Promise<T>): Promise<JsonFile<T>> {
    let text: string | undefined;
    if (file) {
      text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw new Error(`demo state ${file} cannot be read: ${error.message}`, { cause: error });
      });
    }
    if (text !== undefined) {
      try {
        return new JsonFile(JSON.parse(text) as T, file);
      } catch {
        // The parser's message would quote the content, which holds secrets.
        throw new Error(`demo state ${file} is not JSON; remove the demo's state folder to start from scratch`);
      }
    }
    const made = new JsonFile(await make(), file);
    await made.save();
    return made;
  }

  /** Resolves when everything changed before the call is on disk. Calls made while a write runs share the next one. */
  save(): Promise<void> {
    const { file } = this;
    if (!file) return Promise.resolve();
    this.queued ??= this.writing
      .catch(() => undefined) // the caller of that write has its error; this one writes everything again
      .then(() => {
        this.queued = undefined;
        this.writing = writePrivately(file, JSON.stringify(this.value));
        return this.writing;
      });
    return this.queued;
  }
}
