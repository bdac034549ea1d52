import { appendFile, readFile } from 'node:fs/promises';
import type { Letter } from './http/pages.js';

/** Letters that stand for mails and text messages; a line of a file each. */
export class Mailbox {
  private constructor(
    private readonly kept: Letter[],
    private readonly file: string | undefined,
  ) {}

  static async open(file: string | undefined): Promise<Mailbox> {
    if (!file) return new Mailbox([], undefined);
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw new Error(`demo mailbox ${file} cannot be read: ${error.message}`, { cause: error });
    });
    const lines = text.split('\n').slice(0, -1); // what follows the last line end was cut off by a crash
    return new Mailbox(
      lines.map((line) => JSON.parse(line) as Letter),
      file,
    );
  }

  /** Newest first. */
  letters(): readonly Letter[] {
    return this.kept.toReversed();
  }

  /** A letter whose id is known is kept once: the sender may repeat. */
  async deliver(letter: Letter): Promise<'new' | 'known'> {
    if (this.kept.some((each) => each.id === letter.id)) return 'known';
    this.kept.push(letter);
    try {
      if (this.file)
        await appendFile(
          this.file,
          `${JSON.stringify(letter)}
`,
          { mode: 0o600 },
        );
    } catch (error) {
      this.kept.splice(this.kept.indexOf(letter), 1); // the sender tries again, and it must not be known then
      throw error;
    }
    return 'new';
  }
}
