import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes a file whole: after a power cut there is the text before or this one, never a part and never nothing.
 * `mode` is that of the file, whatever it was before and whatever the umask is.
 */
export const writeWhole = (file: string, text: string, mode = 0o644): Promise<void> => write(file, text, mode, rename);

/** As `writeWhole`, when there is no such file yet. Of several that come at once one writes it; the others get `EEXIST`. */
export const writeNew = (file: string, text: string, mode = 0o644): Promise<void> => write(file, text, mode, link);

async function write(file: string, text: string, mode: number, place: (temporary: string, file: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      // The umask takes bits from the mode of a new file.
      await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  // The name is on the disk only when its folder is. Windows opens no folders.
  if (process.platform === 'win32') return;
  const folder = await open(path.dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
