import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** Random bytes in stock: to ask the operating system for 16 at a time costs more than the rest of an id. */
const stock = Buffer.allocUnsafeSlow(16 * 256);
let drawn = stock.length;
function random16(): Uint8Array {
  if (drawn === stock.length) {
    randomFillSync(stock);
    drawn = 0;
  }
  return stock.subarray(drawn, (drawn += 16));
}

let lastMs = 0;
let sequence = 0;
/**
 * A fresh UUIDv7 (RFC 9562), monotonic within the process: ids of one transaction sort in the order in which they were made. The counter is
 * that of its section 6.2, method 1, with 32 bits: it begins anywhere in the lower half, so that it cannot run over within a millisecond.
 */
export function uuidv7(): string {
  const random = random16();
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    sequence = Buffer.from(random.buffer, random.byteOffset, 4).readUInt32BE() >>> 1;
  } else sequence++;
  return v7({ random, msecs: lastMs, seq: sequence });
}
