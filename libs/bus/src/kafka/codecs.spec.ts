/** Batches as other clients compress them. The samples are of snappy-java, lz4-java (as Kafka's own clients) and the program `lz4`. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { mostBatchBytes, readLz4, readSnappy, registerCodecs } from './codecs.js';

const text = `${Array.from({ length: 40 }, (_, n) => `signal ${n % 7} of ada; `).join('')}${'x'.repeat(300)}the end`;
const of = (base64: string): Buffer => Buffer.from(base64, 'base64');
const snappyBlock = of(
  '2wdAc2lnbmFsIDAgb2YgYWRhOyANEQAxPhEAADI+EQAAMz4RAAA0PhEAADU+EQAANj4RAP53AP53AP53AP53AP53AP53AP53AP53AKZ3AAB4/gEA/gEA/gEA/gEAqgEAGHRoZSBlbmQ=',
);
const chunk = (block: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(block.length);
  return Buffer.concat([size, block]);
};
const xerialHead = of('glNOQVBQWQAAAAABAAAAAQ==');
const lz4 = {
  java: of('BCJNGGBwc0EAAADzAnNpZ25hbCAwIG9mIGFkYTsgEQAcMREAHDIRABwzEQAcNBEAHDURABw2EQAPdwD//xkfeAEA/xlwdGhlIGVuZAAAAAA='),
  'with checksums and linked blocks': of(
    'BCJNGHRAvUEAAADzAnNpZ25hbCAwIG9mIGFkYTsgEQAcMREAHDIRABwzEQAcNBEAHDURABw2EQAPdwD//xkfeAEA/xlwdGhlIGVuZEzGVZkAAAAAz+dJUA==',
  ),
  'with the size of its content': of(
    'BCJNGGhA2wMAAAAAAADAQQAAAPMCc2lnbmFsIDAgb2YgYWRhOyARABwxEQAcMhEAHDMRABw0EQAcNREAHDYRAA93AP//GR94AQD/GXB0aGUgZW5kAAAAAA==',
  ),
};

describe('R8.3 a compressed batch is read', () => {
  it.each(Object.entries(lz4))('of LZ4: %s', (_, frame) => expect(readLz4(frame).toString()).toBe(text));

  it('of LZ4: a block that is not compressed', () => {
    const block = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 3, 0, 0, 0x80, 0x61, 0x64, 0x61, 0, 0, 0, 0]);
    expect(readLz4(block).toString()).toBe('ada');
  });

  it('of Snappy: one block, or the blocks of a stream', () => {
    expect(readSnappy(snappyBlock).toString()).toBe(text);
    expect(readSnappy(Buffer.concat([xerialHead, chunk(snappyBlock), chunk(snappyBlock)])).toString()).toBe(text + text);
  });

  it('of Snappy: long literals, and references of every width', () => {
    const literal = Buffer.alloc(300, 'ab');
    const block = Buffer.concat([
      // 315 bytes in all; a literal whose length takes two bytes.
      Buffer.from([0xbb, 0x02, 61 << 2, 0x2b, 0x01]),
      literal,
      Buffer.from([0x01, 2, (4 << 2) | 2, 0x04, 0x00, (5 << 2) | 3, 0x04, 0x00, 0x00, 0x00]),
    ]);
    expect(readSnappy(block).toString()).toBe('ab'.repeat(150) + 'abab' + 'ababa' + 'bababa');
  });
});

describe('R8.3 a compressed batch that cannot be read is an error and never more', () => {
  it('whatever its bytes are', () => {
    const samples = [...Object.values(lz4), snappyBlock, Buffer.concat([xerialHead, chunk(snappyBlock)])];
    const broken = fc
      .tuple(fc.constantFrom(...samples), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat())
      .map(([sample, at, byte, end]) => {
        const copy = Buffer.from(sample.subarray(0, 1 + (end % sample.length)));
        copy[at % copy.length] = byte;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 200 }).map(Buffer.from)), (bytes) => {
        for (const read of [readLz4, readSnappy])
          try {
            expect(read(bytes).length).toBeLessThanOrEqual(mostBatchBytes);
          } catch (error) {
            expect((error as Error).constructor).toBe(Error);
          }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['LZ4', repeatedLz4],
    ['Snappy', repeatedSnappy],
    ['GZIP', (bytes: number) => gzipSync(Buffer.alloc(bytes))],
    ['ZSTD', (bytes: number) => zstdCompressSync(Buffer.alloc(bytes))],
  ] as const)('because it holds more than is taken: %s', async (name, made) => {
    registerCodecs();
    const codec = CompressionCodecs[CompressionTypes[name]]() as { decompress(bytes: Buffer): Promise<Buffer> };
    expect((await codec.decompress(made(mostBatchBytes))).length).toBe(mostBatchBytes);
    await expect(async () => codec.decompress(made(mostBatchBytes + 64))).rejects.toThrow();
  });
});

/** Zeros: one literal and one reference to it that is as long as it takes. */
function repeatedLz4(bytes: number): Buffer {
  const more = bytes - 1 - 4 - 15;
  const lengths = Buffer.alloc(Math.floor(more / 255) + 1, 255);
  lengths[lengths.length - 1] = more % 255;
  const block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), lengths]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]), size, block, Buffer.alloc(4)]);
}

function repeatedSnappy(bytes: number): Buffer {
  const size: number[] = [];
  for (let left = bytes; left > 0; left = Math.floor(left / 128)) size.push((left % 128) | (left >= 128 ? 0x80 : 0));
  const zeros = Buffer.alloc(64);
  const again = Buffer.from([(63 << 2) | 2, 64, 0]);
  return Buffer.concat([Buffer.from([...size, 60 << 2, 63]), zeros, ...Array.from({ length: bytes / 64 - 1 }, () => again)]);
}
