import type { NoticePort } from './notice.js';

/** Access token of this service's own client, kept until shortly before it ends. */
export function clientToken(options: {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
}): (signal: AbortSignal) => Promise<string> {
  let held: { token: string; until: number } | undefined;
  return async (signal) => {
    if (held && Date.now() < held.until) return held.token;
    const response = await fetch(options.tokenUrl, {
      method: 'POST',
      signal,
      headers: { authorization: `Basic ${Buffer.from(`${options.clientId}:${options.clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: options.scope }),
    });
    if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`);
    const { access_token: token, expires_in: seconds } = (await response.json()) as { access_token: string; expires_in: number };
    held = { token, until: Date.now() + (seconds - 30) * 1000 };
    return token;
  };
}

/** The mailbox named demo: a file and a page of the demo identity provider, behind the port that real mail will use. */
export function demoMailbox(url: string, token: (signal: AbortSignal) => Promise<string>): NoticePort {
  return {
    channel: 'demo-mailbox',
    async send({ id, to, about, text }, signal) {
      const response = await fetch(url, {
        method: 'POST',
        signal,
        headers: { authorization: `Bearer ${await token(signal)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ id, to, about, text }),
      });
      // Nobody has this id: no try will find an address.
      if (response.status === 404) return { addresses: 0 };
      if (!response.ok) throw new Error(`the demo mailbox answered ${response.status}`);
      const { addresses } = (await response.json()) as { addresses?: unknown };
      if (!Number.isInteger(addresses)) throw new Error('the demo mailbox does not say at how many addresses it delivered');
      return { addresses: Number(addresses) };
    },
  };
}
