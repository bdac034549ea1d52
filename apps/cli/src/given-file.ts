import { open, type FileHandle } from 'node:fs/promises';
import { CliError } from './errors.js';
import { fileFailure } from './files.js';

/** The longest line that is read: events have at most 1 MiB, and a row holds one twice in base64 at the very most. */
const mostLineBytes = 16 * 1024 * 1024;
const chunkBytes = 64 * 1024;
const lineFeed = 0x0a;

const asWritten = 'Use the original file, byte for byte.';
/** What a file is when something on its way has packed or re-encoded it, by its first bytes: not what was written, and no sign of a forger. */
const disguises: readonly { readonly bytes: readonly number[]; readonly is: string; readonly next: string }[] = [
  { bytes: [0x1f, 0x8b], is: 'is compressed with gzip', next: 'Decompress it first: gunzip.' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], is: 'is compressed with zstd', next: 'Decompress it first: unzstd.' },
  { bytes: [0x42, 0x5a, 0x68, 0x39], is: 'is compressed with bzip2', next: 'Decompress it first: bunzip2.' },
  { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], is: 'is compressed with xz', next: 'Decompress it first: unxz.' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], is: 'is a zip archive', next: 'Unpack it first: unzip.' },
  { bytes: [0xef, 0xbb, 0xbf], is: 'begins with a byte-order mark', next: asWritten },
  { bytes: [0xff, 0xfe], is: 'is UTF-16', next: asWritten },
  { bytes: [0xfe, 0xff], is: 'is UTF-16', next: asWritten },
  { bytes: [0x7b, 0x00], is: 'is UTF-16', next: asWritten },
  { bytes: [0x00, 0x7b], is: 'is UTF-16', next: asWritten },
];

/** The lines of an export, one at a time, whatever the file is. "Cannot be checked" (2) is told apart from "was changed" (3). */
export async function* exportLines(file: string): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  let number = 1;
  for await (const chunk of chunksOf(file)) {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      yield textOf([...parts, chunk.subarray(from, end)]);
      [parts, bytes] = [[], 0];
      from = end + 1;
      number += 1;
    }
    parts.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > mostLineBytes)
      throw new CliError('verificationFailed', `This is not an export: line ${number} is longer than ${mostLineBytes} bytes`, {
        where: file,
        next: 'Reading stopped there. Export the log again: readmit audit export --out <file>',
      });
  }
  if (bytes > 0) yield textOf(parts);
}
/** A line that was written as text on Windows ends with a carriage return too. */
const textOf = (line: readonly Buffer[]): string => Buffer.concat(line).toString('utf8').replace(/\r$/, '');

/** A small text that was given as a file, such as a checkpoint; undefined when it is longer than any of its kind. */
export async function smallText(file: string, mostBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(file)) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw fileFailure('read', file, cause);
  });
  try {
    let first = await read(handle, file);
    // A pipe may give a single byte at first.
    while (first.length > 0 && first.length < 5) {
      const more = await read(handle, file);
      if (more.length === 0) break;
      first = Buffer.concat([first, more]);
    }
    const found = disguises.find(({ bytes }) => bytes.every((byte, at) => first[at] === byte));
    if (found) throw new CliError('usage', `The file ${found.is}: it cannot be verified in this form`, { where: file, next: found.next });
    for (let chunk = first; chunk.length > 0; chunk = await read(handle, file)) yield chunk;
  } finally {
    await handle.close();
  }
}

async function read(handle: FileHandle, file: string): Promise<Buffer> {
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, null);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw fileFailure('read', file, cause);
  }
}
