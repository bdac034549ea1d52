import { partitionsPerTopic } from '@readmit/contracts';
import { createHash } from 'node:crypto';

const placesOfKeys = 64;
const hashOf = (key: string): number => createHash('sha256').update(key).digest().readUInt32BE(0);

/** The partition of a key: the first four bytes of its SHA-256, modulo the number of partitions. Permanent, and the same on every bus. */
export const partitionOf = (key: string): number => hashOf(key) % partitionsPerTopic;

/** One of 64 places that keys share. 64 is a multiple of the number of partitions, so a place lies on one of them. */
export const placeOf = (key: string): number => hashOf(key) % placesOfKeys;
