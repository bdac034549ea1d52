/** `connector check` at the demo's identity provider. */
import { CheckList, encryption, missing, ok, wrong, type CheckResult } from '../check.js';
import { TargetError } from '../connector.js';
import { canaryId, type Call, type DemoIdpOptions } from './admin-client.js';

export async function checkDemoIdp(call: Call, { url, clientId, tokenUrl }: DemoIdpOptions): Promise<readonly CheckResult[]> {
  const list = new CheckList();
  try {
    await call.signIn();
  } catch (error) {
    list.notConnected(error, {
      credentials: 'Check clientId and clientSecret.',
      tls: 'Use a certificate for the host name in url, and name its authority with NODE_EXTRA_CA_CERTS.',
      isCredentials: error instanceof TargetError && error.code === 'refused',
    });
    list.skip(['canary', 'people']);
    return list.results;
  }
  list.add('connection', encryption(url.startsWith('https:') && tokenUrl.startsWith('https:')));
  list.add('credentials', ok(`client ${clientId}`));
  await list.run('canary', `Give client ${clientId} the scope people:read.`, async () => {
    await call.personWithProof(canaryId);
    return ok('sees the canary account');
  });
  await list.run('people', `Give client ${clientId} the scope people:recover.`, async () => {
    const { message, code } = await call.refusedChange('connector-check');
    if (/ 403 canary /.test(message)) return ok('may change accounts');
    return code === 'refused'
      ? missing(message, `Give client ${clientId} the scope people:recover.`)
      : wrong(message, 'See the log of the target.');
  });
  return list.results;
}
