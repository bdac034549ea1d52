import { setTimeout as pause } from 'node:timers/promises';
import { TargetError } from '../connector.js';
import { userPath } from './account.js';
import type { Call } from './admin-client.js';

/**
 * Ends sessions, offline grants and consents of an account; returns how many sessions were listed. Keycloak compares the times of tokens and
 * logout in whole seconds, so a token issued in the same second survives the first logout: a second one follows in the next second.
 */
export async function endSessions(call: Call, id: string): Promise<number> {
  const sessions = await call.get<unknown[]>(`${userPath(id)}/sessions`);
  await call.write('POST', `${userPath(id)}/logout`);
  await pause(1_001 - (Date.now() % 1_000), undefined, { signal: call.signal }).catch(() => {
    throw new TargetError(`${call.name}: the call ended before ${id} could be logged out the second time`, call.effect, 'timeout');
  });
  await call.write('POST', `${userPath(id)}/logout`);
  // Offline grants are listed here; listing them by client would need the right to read clients.
  for (const { clientId } of await call.get<{ clientId: string }[]>(`${userPath(id)}/consents`))
    await call.write('DELETE', `${userPath(id)}/consents/${encodeURIComponent(clientId)}`, undefined, true);
  const left = [...(await call.get<unknown[]>(`${userPath(id)}/sessions`)), ...(await call.get<unknown[]>(`${userPath(id)}/consents`))];
  if (left.length > 0)
    throw new TargetError(
      `${id} still has ${left.length} session(s), offline grant(s) or consent(s) at ${call.name}`,
      call.effect,
      'changed',
    );
  return sessions.length;
}
