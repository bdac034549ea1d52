/** A source over HTTP that gets bad answers after a good run. */
import { expect } from '@jest/globals';
import type { Store } from '@readmit/store';
import { counted, type Rig } from '../../apps/classification/test/source-rig.js';
import type { Proxy } from '../../libs/connectors/test/target-proxy.js';

/** What the server's answer becomes on its way; undefined: it stays. */
export type Instead = (asked: string, body: string) => { readonly status: number; readonly body: string } | undefined;

/** With such answers a run fails as `message` says, without the secret, and removes nobody; the next good one is fine. */
export async function failsAndRemovesNobody(
  { watch }: Rig,
  about: {
    readonly store: Store;
    readonly proxy: Proxy;
    readonly instead: Instead;
    readonly message: RegExp;
    readonly secret: string;
    /** Moves the clock to the next run. */
    readonly later: () => void;
  },
): Promise<void> {
  const { store, proxy, instead, message, secret, later } = about;
  await watch.run();
  const before = await counted(store);
  proxy.use(async ({ path, forward }, response) => {
    const other = instead(path, (await forward()).text);
    if (!other) return false;
    response.statusCode = other.status;
    response.setHeader('content-type', 'application/json');
    response.end(other.body);
    return true;
  });
  later();
  await watch.run();
  expect(watch.problem).toMatch(message);
  expect(watch.problem).not.toContain(secret);
  expect(await counted(store)).toBe(before);
  proxy.use(() => false);
  await watch.run();
  expect([watch.problem, await counted(store)]).toEqual([undefined, before]);
}
