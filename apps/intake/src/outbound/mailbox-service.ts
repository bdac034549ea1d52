import type { NoticePort } from './notice.js';

/** Access token of this service's own client, cached until shortly before it expires. */
export function clientToken(options: {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
}): (signal: AbortSignal) => Promise<string> {
  let cached: { token: string; until: number } | undefined;
  return async (signal) => {
    if (cached && Date.now() < cached.until) return cached.token;
    const response = await fetch(options.tokenUrl, {
      method: 'POST',
      signal,
      headers: { authorization: `Basic ${Buffer.from(`${options.clientId}:${options.clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: options.scope }),
    });
    if (!response.ok) throw new Error(`the token endpoint responded with ${response.status}`);
    const { access_token: token, expires_in: seconds } = (await response.json()) as { access_token: string; expires_in: number };
    cached = { token, until: Date.now() + (seconds - 30) * 1000 };
    return token;
  };
}

/** A service of the installation that delivers notices: the protocol of docs/notices.md, which the demo's mailbox implements too. */
export function mailboxService(url: string, token: (signal: AbortSignal) => Promise<string>): NoticePort {
  return {
    channel: 'mailbox',
    async send({ id, to, about, text }, signal) {
      const response = await fetch(url, {
        method: 'POST',
        signal,
        headers: { authorization: `Bearer ${await token(signal)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ id, to, about, text }),
      });
      // The id is unknown: retrying will not find an address.
      if (response.status === 404) return { addresses: 0 };
      if (!response.ok) throw new Error(`the mailbox service responded with ${response.status}`);
      const { addresses } = (await response.json()) as { addresses?: unknown };
      if (!Number.isInteger(addresses)) throw new Error('the response of the mailbox service has no number of addresses');
      return { addresses: Number(addresses) };
    },
  };
}
