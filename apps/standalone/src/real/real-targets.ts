/** What `--real` starts in addition: Keycloak, OpenLDAP, a mail server, and a browser that signs people in. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKeycloak } from '@readmit/servers';
import { isProgress, superviseServer } from '../supervise-server.js';
import { findChromium, KeycloakBrowser } from './browser.js';
import { startMailServer, type MailServer } from './mail-server.js';
import { startOpenLdapTarget, type OpenLdapTarget } from './openldap-target.js';
import { openRealm, type Realm } from './realm.js';

export interface RealOptions {
  /** The checkout: its folders `deploy` and `tools` are used. */
  readonly root: string;
  /** False: people sign in at the demo identity provider, and nothing is proven by a sign-in at Keycloak. */
  readonly browser: boolean;
}

export interface RealTargets {
  readonly realm: Realm;
  readonly directory: OpenLdapTarget;
  readonly mail: MailServer;
  /** Absent: `--without-browser`. */
  readonly browser: KeycloakBrowser | undefined;
  stop(): Promise<void>;
}

/** The people, with their accounts at these targets. */
export const realDirectoryFile = fileURLToPath(new URL('./directory.yaml', import.meta.url));

/** Starts all at once: on most machines Keycloak takes longest. Stops what was started when one fails. */
export async function startRealTargets(options: {
  readonly stateDir: string;
  readonly real: RealOptions;
  readonly log: (line: string) => void;
  readonly onGivenUp: (says: string) => void;
  readonly signal?: AbortSignal;
}): Promise<RealTargets> {
  const { stateDir, log, real } = options;
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    const ended = await Promise.allSettled(started.splice(0).map((one) => one.stop()));
    const failures = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'not every target stopped cleanly');
  };
  const also = async <S extends { stop(): Promise<void> }>(starting: Promise<S>): Promise<S> => {
    const one = await starting;
    started.push(one);
    return one;
  };
  const keycloak = async (): Promise<{ realm: Realm; browser: KeycloakBrowser | undefined }> => {
    // Before Keycloak: without a browser the start ends at once.
    const chromium = real.browser ? await findChromium(path.join(real.root, 'tools'), log) : undefined;
    const server = await also(
      superviseServer({
        ...options,
        name: 'Keycloak',
        start: (take) => startKeycloak({ dataDir: path.join(stateDir, 'keycloak'), log: take }),
        failed: (one) => one.failed,
      }),
    );
    const realm = await openRealm({
      ...{ url: server.current().url, admin: server.current().admin },
      realmFile: path.join(real.root, 'deploy/keycloak/acme-realm.json'),
      directoryFile: realDirectoryFile,
      secretsDir: path.join(stateDir, 'secrets'),
    });
    return { realm, browser: chromium === undefined ? undefined : await also(KeycloakBrowser.start(chromium, realm)) };
  };
  const directory = startOpenLdapTarget({
    dataDir: path.join(stateDir, 'openldap'),
    deployDir: path.join(real.root, 'deploy/openldap'),
    log: (line) => {
      if (isProgress(line)) log(line);
    },
  });
  const all = [keycloak(), also(directory), also(startMailServer(path.join(stateDir, 'mail')))] as const;
  // All of them first: one that fails must not leave another that still starts.
  await Promise.allSettled(all);
  try {
    const [{ realm, browser }, openldap, mail] = await Promise.all(all);
    return { realm, browser, directory: openldap, mail, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Settings of intake that mail notices through the server. The tour has more cases of one person in an hour than a real installation. */
export const noticeSettings = (
  { mail }: RealTargets,
  directory: { readonly url: string; readonly key: string },
): Readonly<Record<string, string>> => ({
  READMIT_NOTICE_CHANNEL: 'smtp',
  READMIT_SMTP_URL: mail.url,
  READMIT_SMTP_FROM: 'readmit@example.test',
  READMIT_NOTICES_PER_HOUR: '10000',
  READMIT_DIRECTORY_URL: directory.url,
  READMIT_DIRECTORY_KEY: directory.key,
});

/** Settings of the services with which people sign in at Keycloak. Its level `silver` is a password and a second factor. */
export const signInSettings = ({ realm }: RealTargets): Readonly<Record<string, string>> => ({
  READMIT_ISSUER: realm.issuer,
  READMIT_STEP_UP_ACR: 'silver',
  READMIT_TOKEN_SUBJECT_CLAIM: 'preferred_username',
});
