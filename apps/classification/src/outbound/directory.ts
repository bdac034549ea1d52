import type { DirectorySnapshot } from '@readmit/signing';

/** The signed directory of people and machines. Throws if it is unavailable, not signed by the configured key, or invalid. */
export interface DirectoryPort {
  read(signal: AbortSignal): Promise<DirectorySnapshot>;
}
