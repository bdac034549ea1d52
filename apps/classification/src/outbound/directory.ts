import type { DirectorySnapshot } from '@readmit/signing';

/** Where facts about people come from. Throws when it cannot be had, is not signed by the configured key or has faults. */
export interface DirectoryPort {
  read(signal: AbortSignal): Promise<DirectorySnapshot>;
}
