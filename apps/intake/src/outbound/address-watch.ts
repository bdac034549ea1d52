import { messageOf } from '@readmit/platform';
import type { Log } from '@readmit/service';
import type { DirectoryPort } from '@readmit/signing';
import type { ListedAddresses, NoticeAddresses } from './notice-addresses.js';

/** An address that is in the directory for a shorter time may be missed. */
const everyMs = 30_000;

/**
 * Reads the directory all the time, not only when a notice is due: an address can be remembered only if it was seen before it was changed.
 */
export class AddressWatch {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private problem: string | undefined;

  constructor(
    private readonly directory: DirectoryPort<ListedAddresses>,
    private readonly addresses: NoticeAddresses,
    private readonly log: Pick<Log, 'error' | 'warn' | 'info'>,
    private readonly now: () => Date,
  ) {}

  start(): void {
    this.running = this.round();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.running;
  }

  /**
   * The addresses of a person. While the directory is unavailable, those that are known: they are still theirs.
   * @throws {Error} the directory is unavailable and no address of the person is known.
   */
  async of(person: string, signal: AbortSignal): Promise<readonly string[]> {
    const error = await this.refresh(signal);
    const addresses = await this.addresses.of(person);
    if (error && addresses.length === 0) throw error;
    return addresses;
  }

  private async round(): Promise<void> {
    await this.refresh(this.stopping.signal);
    await this.addresses.forget().catch((error: unknown) => this.log.warn({ err: error }, 'old addresses could not be deleted; retrying'));
    if (this.stopping.signal.aborted) return;
    this.timer = setTimeout(() => this.start(), everyMs);
  }

  /** Reads and saves the directory; what kept it from that is logged once. */
  private async refresh(signal: AbortSignal): Promise<Error | undefined> {
    try {
      const listed = await this.directory.read(signal);
      if (listed.unsaved) {
        await this.addresses.save(listed, this.now());
        if (listed.unusable > 0)
          this.log.warn(
            { contacts: listed.unusable },
            'contacts of kind email in the directory are no mail addresses: they get no notices',
          );
      }
      if (this.problem !== undefined) this.log.info({}, 'the directory is available again');
      this.problem = undefined;
      return undefined;
    } catch (error) {
      const message = messageOf(error);
      if (!signal.aborted && message !== this.problem) {
        this.problem = message;
        this.log.error({ error: message }, 'the directory is unavailable: notices go to the addresses that are known');
      }
      return error instanceof Error ? error : new Error(message);
    }
  }
}
