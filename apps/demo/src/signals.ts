import { randomUUID } from 'node:crypto';
import { allowInsecureRequests, clientCredentialsGrant, Configuration } from 'openid-client';
import { apiResource } from './issuer/clients.js';
import type { JsonFile } from './state/json-file.js';

/** A lockout as CloudEvent in structured mode, as `publishSignal` of the HTTP contract takes it. */
export interface Signal {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: 'readmit.idp.account-locked';
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly subject: string;
  readonly data: { readonly reason: string };
}

export interface SignalOptions {
  readonly url: string;
  readonly issuer: string;
  readonly clientSecret: string;
  /** First wait after a failed try, doubled each time up to a minute. Milliseconds. */
  readonly retryMs: number;
  readonly log: (entry: Readonly<Record<string, unknown>>) => void;
}

const longestWaitMs = 60_000;
const callMs = 5_000;

/** Reports lockouts. A report is on disk before the sign-in that caused it is answered, and is tried until it is taken; nobody waits for it. */
export class Signals {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private wait: number;

  constructor(
    private readonly waiting: JsonFile<Signal[]>,
    private readonly options: SignalOptions | undefined,
  ) {
    this.wait = options?.retryMs ?? 0;
  }

  async locked(subject: string, at: Date): Promise<void> {
    if (!this.options) return;
    this.waiting.value.push({
      specversion: '1.0',
      id: `signal-${randomUUID()}`,
      source: this.options.issuer,
      type: 'readmit.idp.account-locked',
      time: at.toISOString(),
      datacontenttype: 'application/json',
      subject,
      data: { reason: 'bad-tries' },
    });
    await this.waiting.save();
    this.run();
  }

  /** Starts to send what waits, also from before a restart. */
  run(): void {
    const { options } = this;
    if (!options || this.running || this.stopping.signal.aborted) return;
    clearTimeout(this.timer);
    this.running = this.sendAll(options).finally(() => {
      this.running = undefined;
      if (this.waiting.value.length === 0 || this.stopping.signal.aborted) return;
      this.timer = setTimeout(() => this.run(), this.wait);
      this.wait = Math.min(this.wait * 2, longestWaitMs);
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.running;
  }

  private async sendAll(options: SignalOptions): Promise<void> {
    try {
      for (let next = this.waiting.value[0]; next; next = this.waiting.value[0]) {
        await this.send(options, next);
        this.waiting.value.shift();
        await this.waiting.save();
        this.wait = options.retryMs;
        options.log({ what: 'signal accepted', id: next.id, subject: next.subject });
      }
    } catch (error) {
      if (!this.stopping.signal.aborted)
        options.log({
          what: 'signal not accepted; retrying',
          says: error instanceof Error ? error.message : 'unknown',
          waiting: this.waiting.value.length,
        });
    }
  }

  private async send(options: SignalOptions, signal: Signal): Promise<void> {
    const server = new Configuration(
      { issuer: options.issuer, token_endpoint: `${options.issuer}/token` },
      'demo-idp',
      options.clientSecret,
    );
    allowInsecureRequests(server); // the demo talks to itself on the loopback
    server.timeout = callMs / 1000;
    const { access_token } = await clientCredentialsGrant(server, { resource: apiResource, scope: 'signals:publish' });
    const response = await fetch(options.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(signal),
      redirect: 'error',
      signal: AbortSignal.any([this.stopping.signal, AbortSignal.timeout(callMs)]),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the signal was answered with ${response.status}`);
  }
}
