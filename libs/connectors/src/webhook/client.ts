import { messageOf } from '@readmit/platform';
import { Webhook } from 'standardwebhooks';
import { TargetError } from '../connector.js';
import { failureCode, isRefusedConnection, limitedText, maxRetryAfterMs, printable, retryAfterMs } from '../http-answers.js';
import { secretIn } from '../secret-file.js';
import { answerOf, refusedOf, version, type Answer, type WebhookCall, type WebhookRequest } from './messages.js';

export interface WebhookOptions {
  /** Name of the target in the file of targets. */
  readonly name: string;
  /** URL of the receiver; no other address is called. */
  readonly url: string;
  /** File with one or more signing secrets, `whsec_...`, one per line. Read for each request, so that it can be replaced. */
  readonly secretFile: string;
  readonly ids: () => string;
  readonly now: () => Date;
  readonly fetch?: typeof globalThis.fetch;
}

const maxBytes = 1024 * 1024;
const maxMessageLength = 300;
/** A gateway that responds with one of these did not forward the request. */
const notForwarded = new Set([401, 403, 404, 405, 413, 415, 429]);

/** Requests to the receiver, signed as Standard Webhooks. */
export class WebhookClient {
  /** Milliseconds since 1970, from Retry-After of the last response. */
  private notBefore = 0;

  constructor(private readonly options: WebhookOptions) {}

  call(signal: AbortSignal): Call {
    return new Call(this, signal);
  }

  /** One request. `wrote` is set as long as the receiver may have changed something. */
  async send(request: WebhookRequest, call: Call, signal: AbortSignal): Promise<unknown> {
    const { name, now } = this.options;
    if (now().getTime() < this.notBefore)
      throw new TargetError(`${name} asked not to be called before ${new Date(this.notBefore).toISOString()}`, call.effect, 'unreachable');
    const body = JSON.stringify({ version, connector: name, ...request });
    const headers = this.signed(body, call);
    const effectBefore = call.effect;
    if (request.call === 'execute' || request.call === 'undo') call.wrote = true;
    const { response, parsed } = await this.exchange({ body, headers }, call, effectBefore, signal);
    if (response.status === 200) return parsed;
    this.refuse(response, parsed, call, effectBefore);
  }

  /** Status and body of a request that only reads, whatever they are. `secret`: signed with this one instead. */
  async probe(
    request: Extract<WebhookRequest, { readonly call: 'check' | 'read' }>,
    call: Call,
    signal: AbortSignal,
    secret?: string,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const body = JSON.stringify({ version, connector: this.options.name, ...request });
    const { response, parsed } = await this.exchange({ body, headers: this.signed(body, call, secret) }, call, call.effect, signal);
    return { status: response.status, body: parsed };
  }

  private async exchange(
    request: { readonly body: string; readonly headers: Record<string, string> },
    call: Call,
    effectBefore: 'none' | 'unknown',
    signal: AbortSignal,
  ): Promise<{ readonly response: Response; readonly parsed: unknown }> {
    const { name, url } = this.options;
    let response: Response;
    let text: string | undefined;
    try {
      response = await (this.options.fetch ?? fetch)(url, { method: 'POST', ...request, signal, redirect: 'error' });
      text = await limitedText(response, maxBytes);
    } catch (error) {
      if (isRefusedConnection(error)) call.wrote = effectBefore === 'unknown';
      if (signal.aborted) throw new TargetError(`${name} did not respond in time`, call.effect, 'timeout');
      throw new TargetError(`${name} cannot be reached at ${url}: ${failureCode(error) ?? messageOf(error)}`, call.effect, 'unreachable');
    }
    if (text === undefined) throw new TargetError(`${name} responded with more than ${maxBytes} bytes`, call.effect, 'refused');
    return { response, parsed: json(text) };
  }

  private refuse(response: Response, parsed: unknown, call: Call, effectBefore: 'none' | 'unknown'): never {
    const { name, now } = this.options;
    const wait = retryAfterMs(response.headers.get('retry-after'), now()) ?? 0;
    if (wait > 0) this.notBefore = now().getTime() + Math.min(wait, maxRetryAfterMs);
    const refused = refusedOf(parsed);
    if (refused?.effect === 'none' || (!refused && notForwarded.has(response.status))) call.wrote = effectBefore === 'unknown';
    if (refused) throw new TargetError(`${name}: ${printable(refused.message, maxMessageLength)}`, call.effect, refused.code);
    const hint =
      response.status === 401 || response.status === 403
        ? ': it does not accept the signature; compare the secrets and the clocks'
        : ' without the fields code, effect and message';
    const busy = response.status >= 500 || response.status === 429;
    throw new TargetError(`${name} responded with ${response.status}${hint}`, call.effect, busy ? 'unreachable' : 'refused');
  }

  private signed(body: string, { effect }: Call, secret?: string): Record<string, string> {
    const { name, secretFile, ids, now } = this.options;
    const id = ids();
    const at = now();
    const secrets = secret === undefined ? secretIn(`the secret of ${name}`, secretFile, secretsIn, effect) : [secret];
    return {
      'content-type': 'application/json',
      accept: 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
    };
  }
}

/** Requests of one connector method. After a change was sent, every failure has the effect `unknown`. */
export class Call {
  wrote = false;

  constructor(
    private readonly client: WebhookClient,
    private readonly signal: AbortSignal,
  ) {}

  /** Effect on the target if the method fails now. */
  get effect(): 'none' | 'unknown' {
    return this.wrote ? 'unknown' : 'none';
  }

  probe(request: Extract<WebhookRequest, { readonly call: 'check' | 'read' }>, secret?: string) {
    return this.client.probe(request, this, this.signal, secret);
  }

  async ask<C extends WebhookCall>(name: string, request: Extract<WebhookRequest, { readonly call: C }>): Promise<Answer<C>> {
    const body = await this.client.send(request, this, this.signal);
    const checked = answerOf<C>(request.call as C, body);
    if ('fault' in checked)
      throw new TargetError(
        `${name} responded to ${request.call} with something other than docs/webhook-target.md describes: ${checked.fault}`,
        this.effect,
        'refused',
      );
    return checked.answer;
  }
}

const maxSecrets = 10;
/** Signing secrets in the text, at least one. Errors quote none of them. */
export function secretsIn(text: string): readonly string[] {
  const secrets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const fault = (at: number) => new Error(`line ${at + 1} is not whsec_ followed by 24 to 64 bytes in base64`);
  secrets.forEach((secret, at) => {
    const key = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1];
    const bytes = key === undefined ? 0 : Buffer.from(key, 'base64').length;
    if (bytes < 24 || bytes > 64) throw fault(at);
  });
  if (secrets.length === 0 || secrets.length > maxSecrets)
    throw new Error(`the file must contain 1 to ${maxSecrets} secrets, one per line`);
  return secrets;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
