import { partitionsPerTopic } from '@readmit/contracts';
import { createHash } from 'node:crypto';

/** The partition of a key: the first four bytes of its SHA-256, modulo the number of partitions. The same for ever, on every bus. */
export const partitionOf = (key: string): number => createHash('sha256').update(key).digest().readUInt32BE(0) % partitionsPerTopic;
