/**
 * What record batches of others may be compressed with: every codec of Kafka, because each producer chooses its own and brokers may recompress.
 * kafkajs brings gzip alone, without a bound. We only read: nothing here compresses.
 *
 * LZ4 and Snappy are decoded here: both formats are small and have not changed for years, and the libraries for them are native
 * code that takes what strangers send, or give no bound. Their checksums are not looked at: what an event says is signed, and a signal is parsed.
 */
import kafkajs from 'kafkajs';
import { promisify } from 'node:util';
import { constants, unzip, zstdDecompress } from 'node:zlib';

/** Bytes of a batch after decompression, of any codec: a few kilobytes can hold gigabytes. Topics take at most 2 MiB compressed. */
export const mostBatchBytes = 8 * 1024 * 1024;
/** A window of as many bytes: memory that a few bytes of zstd can ask for. */
const zstdWindowLog = 23;

type Decompress = (bytes: Buffer) => Promise<Buffer>;
const gunzip = promisify(unzip);
const unzstd = promisify(zstdDecompress);
const decompress: Readonly<Record<'GZIP' | 'Snappy' | 'LZ4' | 'ZSTD', Decompress>> = {
  GZIP: (bytes) => gunzip(bytes, { maxOutputLength: mostBatchBytes }),
  Snappy: (bytes) => Promise.resolve(readSnappy(bytes)),
  LZ4: (bytes) => Promise.resolve(readLz4(bytes)),
  ZSTD: (bytes) => unzstd(bytes, { maxOutputLength: mostBatchBytes, params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } }),
};

/** For every client of this process: kafkajs keeps its codecs in one place. */
export function registerCodecs(): void {
  // Node finds no export of this name in a CommonJS module that spells it so.
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  for (const name of ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const)
    CompressionCodecs[CompressionTypes[name]] = () => ({
      compress: () => Promise.reject(new Error('this is a bug: what we send is not compressed')),
      decompress: (bytes: Buffer) => decompress[name](bytes),
    });
}

/** One frame of LZ4, as Kafka has them since 0.10. @throws {Error} it is broken, or larger than the bound. */
export function readLz4(frame: Buffer): Buffer {
  const from = new Input(frame);
  if (from.u32() !== 0x184d2204) throw new Error('not a frame of LZ4');
  const flags = from.byte();
  const has = (bit: number): boolean => (flags & bit) !== 0;
  if (flags >> 6 !== 1 || has(0x01)) throw new Error('a frame of LZ4 of another version, or with a dictionary');
  // Size of the largest block; of the content, if it says so; checksum of the header.
  from.bytes(1 + (has(0x08) ? 8 : 0) + 1);
  const to = new Output();
  for (let size = from.u32(); size !== 0; size = from.u32()) {
    const block = from.bytes(size & 0x7fffffff);
    if (size >>> 31 === 1) to.literal(block);
    else lz4Block(new Input(block), to);
    if (has(0x10)) from.bytes(4);
  }
  return to.content();
}

function lz4Block(from: Input, to: Output): void {
  const length = (start: number): number => {
    let sum = start;
    if (start === 15)
      for (let more = 255; more === 255;) {
        more = from.byte();
        sum += more;
      }
    return sum;
  };
  while (from.left > 0) {
    const token = from.byte();
    to.literal(from.bytes(length(token >> 4)));
    // The last sequence of a block is literals alone.
    if (from.left === 0) return;
    const distance = from.byte() | (from.byte() << 8);
    to.copy(distance, length(token & 15) + 4);
  }
}

const xerial = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);

/** Snappy as one block (librdkafka, Go), or as the blocks of xerial's stream (Java). @throws {Error} it is broken, or larger than the bound. */
export function readSnappy(bytes: Buffer): Buffer {
  const from = new Input(bytes);
  const to = new Output();
  if (!bytes.subarray(0, xerial.length).equals(xerial)) snappyBlock(from, to);
  else {
    // The mark and two versions.
    from.bytes(xerial.length + 8);
    while (from.left > 0) snappyBlock(new Input(from.bytes(from.u32be())), to);
  }
  return to.content();
}

function snappyBlock(from: Input, to: Output): void {
  let size = 0;
  for (let shift = 0, more = true; more; shift += 7) {
    const byte = from.byte();
    size += (byte & 0x7f) * 2 ** shift;
    more = byte >= 0x80;
    if (shift > 28) throw new Error('a length that is none');
  }
  const end = to.size + size;
  while (from.left > 0) {
    const tag = from.byte();
    const upper = tag >> 2;
    switch (tag & 3) {
      case 0:
        to.literal(from.bytes(1 + (upper < 60 ? upper : from.little(upper - 59))));
        break;
      case 1:
        to.copy(((tag >> 5) << 8) | from.byte(), 4 + (upper & 7));
        break;
      default:
        to.copy(from.little((tag & 3) === 2 ? 2 : 4), 1 + upper);
    }
  }
  if (to.size !== end) throw new Error('another length than it says');
}

class Input {
  private at = 0;

  constructor(private readonly source: Buffer) {}

  get left(): number {
    return this.source.length - this.at;
  }
  bytes(count: number): Buffer {
    if (count > this.left) throw new Error('it ends too early');
    this.at += count;
    return this.source.subarray(this.at - count, this.at);
  }
  byte(): number {
    const one = this.source[this.at];
    if (one === undefined) throw new Error('it ends too early');
    this.at++;
    return one;
  }
  little(count: number): number {
    return this.bytes(count).readUIntLE(0, count);
  }
  u32(): number {
    return this.little(4);
  }
  u32be(): number {
    return this.bytes(4).readUInt32BE();
  }
}

/** Grows as it is filled, up to the bound. */
class Output {
  size = 0;
  private bytes = Buffer.allocUnsafe(64 * 1024);

  literal(from: Buffer): void {
    this.room(from.length);
    from.copy(this.bytes, this.size);
    this.size += from.length;
  }
  /** What was written so far back, once more; what it writes may be a part of what it reads. */
  copy(distance: number, count: number): void {
    if (distance < 1 || distance > this.size) throw new Error('it refers to what is not there');
    this.room(count);
    const { bytes } = this;
    if (distance >= count) bytes.copyWithin(this.size, this.size - distance, this.size - distance + count);
    else for (let at = this.size; at < this.size + count; at++) bytes[at] = bytes[at - distance] ?? 0;
    this.size += count;
  }
  content(): Buffer {
    return this.bytes.subarray(0, this.size);
  }

  private room(count: number): void {
    const needed = this.size + count;
    if (needed > mostBatchBytes) throw new Error(`more than ${mostBatchBytes} bytes`);
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.min(mostBatchBytes, Math.max(needed, 2 * this.bytes.length)));
    this.bytes.copy(grown, 0, 0, this.size);
    this.bytes = grown;
  }
}
