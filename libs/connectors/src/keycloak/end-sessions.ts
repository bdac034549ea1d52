import { setTimeout as pause } from 'node:timers/promises';
import { TargetError } from '../connector.js';
import { userPath } from './account.js';
import type { Call } from './admin-client.js';

/**
 * Ends what an account has open: sessions, offline grants, consents; returns how many sessions were listed. Keycloak compares the second in which
 * a token was issued with that of the logout, so a token of the same second survives: it is logged out again in the next one.
 */
export async function endSessions(call: Call, id: string): Promise<number> {
  const sessions = await call.get<unknown[]>(`${userPath(id)}/sessions`);
  await call.write('POST', `${userPath(id)}/logout`);
  await pause(1_001 - (Date.now() % 1_000), undefined, { signal: call.signal }).catch(() => {
    throw new TargetError(`${call.name}: no time was left to log ${id} out again`, call.effect, 'timeout');
  });
  await call.write('POST', `${userPath(id)}/logout`);
  // Offline grants show here; listing them by client would need a right to read clients.
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
