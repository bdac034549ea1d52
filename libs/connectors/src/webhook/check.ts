/** `connector check` at a receiver: it is asked to look at its own system; one that does not know the call is asked to read. */
import type { Capabilities } from '@readmit/domain';
import { CheckList, clockResult, encryption, note, ok, tooMuch, wrong, type CheckResult, type Found } from '../check.js';
import { SecretUnusable } from '../secret-file.js';
import type { Call, WebhookOptions } from './client.js';
import { answerOf, refusedOf } from './messages.js';
import { askFor } from './plan.js';

const see = 'See docs/webhook-target.md.';
const checks = ['signature', 'clock', 'receiver'];
/** Not the secret of any receiver. */
const otherSecret = `whsec_${Buffer.alloc(32).toString('base64')}`;
/** An object that a target does not have. */
const nobody = 'readmit-connector-check';

export async function checkWebhook(
  call: Call,
  { name, url, capabilities, now }: WebhookOptions & { readonly capabilities: Capabilities },
): Promise<readonly CheckResult[]> {
  const list = new CheckList();
  const [kind = 'account.unlock'] = capabilities.asks;
  const read = { call: 'read', ask: askFor({ id: '', kind, connector: name, object: nobody, entitlement: nobody }) } as const;
  const before = now();
  let answered: Awaited<ReturnType<Call['probe']>>;
  try {
    answered = await call.probe({ call: 'check' });
  } catch (error) {
    list.notConnected(error, {
      credentials: `Check secretFile. ${see}`,
      tls: 'Use a certificate for the host name in url, and name its authority with NODE_EXTRA_CA_CERTS.',
      isCredentials: error instanceof SecretUnusable,
    });
    list.skip(checks);
    return list.results;
  }
  const after = now();
  list.add('connection', encryption(url.startsWith('https:')));
  if (isDenied(answered.status)) {
    list.add(
      'credentials',
      wrong(`${name} responded with ${answered.status}`, `Compare the secrets of both sides, and their clocks. ${see}`),
    );
    list.skip(checks);
    return list.results;
  }
  list.add('credentials', ok('accepts the signature'));
  await list.run('signature', see, async () => signatureResult(name, (await call.probe(read, otherSecret)).status));
  if (answered.status === 200) {
    const checked = answerOf('check', answered.body);
    if ('fault' in checked) {
      list.add(
        'receiver',
        wrong(`the answer to check is not what docs/webhook-target.md describes: ${checked.fault}`, `Correct the receiver. ${see}`),
      );
      return list.results;
    }
    list.add('clock', clockResult(new Date(checked.answer.at), before, after, 1000));
    for (const { check, ...found } of checked.answer.checks) list.add(`receiver: ${check}`, found);
    return list.results;
  }
  await list.run('receiver', see, async () => withoutCheck(name, await call.probe(read)));
  return list.results;
}

const isDenied = (status: number): boolean => status === 401 || status === 403;

function signatureResult(name: string, status: number): Found {
  if (isDenied(status)) return ok('refuses a wrong signature');
  return tooMuch(
    `${name} responded with ${status} and not with 401 to a request with a wrong signature`,
    `Anybody who reaches it could use it: verify each request before anything else. ${see}`,
  );
}

/** It does not know `check`. Whether it works otherwise shows a read of an account that it cannot have. */
function withoutCheck(name: string, { status, body }: { readonly status: number; readonly body: unknown }): Found {
  const works = status === 200 ? 'answer' in answerOf('read', body) : refusedOf(body)?.code === 'not-found';
  if (works) return note(`the receiver answers, and does not know the call check yet: its own system and rights are not checked. ${see}`);
  return wrong(
    `${name} responded with ${status} to a read of an account that does not exist, and not with not-found`,
    `See its log. ${see}`,
  );
}
