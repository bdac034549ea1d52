import { expect, it } from '@jest/globals';
import { testKeycloak } from '../src/index.js';

it('gives each spec a realm of its own in one Keycloak, with people and secrets, and removes it', async () => {
  const keycloak = await testKeycloak();
  const [one, other] = await Promise.all([keycloak.realm(), keycloak.realm()]);
  expect((await testKeycloak()).url).toBe(keycloak.url);
  expect(one.people['alice']).not.toBe(other.people['alice']);
  await one.admin('PUT', `/users/${one.people['alice']}`, { enabled: false });
  const enabled = async (realm: typeof one) =>
    ((await realm.admin('GET', `/users/${realm.people['alice']}`)) as { enabled: boolean }).enabled;
  expect([await enabled(one), await enabled(other)]).toEqual([false, true]);
  const token = (realm: typeof one, secret = realm.secrets['readmit-execution'] ?? '') =>
    fetch(`${realm.issuer}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'readmit-execution', client_secret: secret }),
    });
  expect((await token(one)).status).toBe(200);
  expect((await token(one, other.secrets['readmit-execution'])).status).toBe(401);
  await one.remove();
  await expect(one.admin('GET', '/users')).rejects.toThrow('Keycloak responded with 404');
  expect(await enabled(other)).toBe(true);
  await other.remove();
});
