import { createEngine } from '@readmit/runtime';
import { activatePolicy } from '@readmit/domain';
import { httpDirectory, openDirectory } from '@readmit/signing';
import { integer, matching, secretLine, serviceApp, webUrl, type BuildContext } from '@readmit/service';
import { classificationDefinition } from './classification.definition.js';
import { withDirectory } from './inbound/directory-progress.js';
import { classificationPorts, ContactsController, type ClassificationPorts } from './inbound/contacts.controller.js';
import { randomUUID } from 'node:crypto';
import { caseCodes } from './outbound/case-codes.js';
import { fileOnly, withLiveSource } from './outbound/case-directory.js';
import { sourceFigures } from './outbound/source-figures.js';
import { keycloakSource } from './outbound/keycloak-source.js';
import { ldapSource } from './outbound/ldap-source.js';
import { scimSource } from './outbound/scim-source.js';
import type { FactSource } from './outbound/fact-source.js';
import type { SourceOptions } from './outbound/source-mapping.js';
import { SourceTables } from './outbound/source-tables.js';
import { SourceWatch } from './outbound/source-watch.js';
import { sourceFile, type SourceSettings } from './outbound/source-settings.js';
import { loadPolicy } from './outbound/policy-file.js';
import { watchedDirectory } from './outbound/watched-directory.js';

/** The cache lasts at most a tenth of the age that the policy allows, so that caching alone cannot make a directory too old. */
const maxCacheShareOfAge = 0.1;

export const classificationApp = serviceApp({
  name: 'classification',
  area: 'classification',
  settings: {
    READMIT_POLICY_FILE: { says: 'The policy (YAML).', parse: matching(/^.+\.ya?ml$/, 'a .yaml file', 'deploy/policies/default.yaml') },
    READMIT_DIRECTORY_URL: {
      says: 'The signed directory of people and machines (compact JWS).',
      parse: webUrl('https://directory.example.com/directory.jws'),
    },
    READMIT_DIRECTORY_KEY: {
      says: 'Public Ed25519 key that signs the directory: x of its JWK, base64url.',
      parse: matching(
        /^[A-Za-z0-9_-]{43}$/,
        'the base64url x of an Ed25519 JWK (43 characters)',
        '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      ),
    },
    READMIT_DIRECTORY_CACHE_MS: {
      says: 'For how long a directory that was read is used again; at most a tenth of the age that the policy allows.',
      parse: integer(0, 600_000, 10_000),
      default: 10_000,
    },
    READMIT_DIRECTORY_SOURCE_FILE: {
      says: 'The live source of people besides the signed directory (YAML).',
      parse: sourceFile,
      default: undefined,
    },
    READMIT_CONTACT_SALT_FILE: {
      says: 'File (mode 0600) with a random text: the salt of contact digests.',
      parse: secretLine('secrets/contact.salt'),
    },
  },
  async build({ settings, commands, store, log, now }) {
    const policy = await loadPolicy(settings.READMIT_POLICY_FILE);
    const maxAgeSeconds = policy.document.directoryMaxAgeSeconds;
    const file = httpDirectory({
      url: settings.READMIT_DIRECTORY_URL,
      key: settings.READMIT_DIRECTORY_KEY,
      open: openDirectory,
      cacheMs: Math.min(settings.READMIT_DIRECTORY_CACHE_MS, maxAgeSeconds * 1000 * maxCacheShareOfAge),
    });
    const signed = watchedDirectory(file, { log, now, maxAgeSeconds });
    const salt = settings.READMIT_CONTACT_SALT_FILE.reveal();
    const live = settings.READMIT_DIRECTORY_SOURCE_FILE && liveSource(settings.READMIT_DIRECTORY_SOURCE_FILE, { store, log, now });
    const directory = live ? withLiveSource(signed, { ...live, policy: policy.document, now }) : fileOnly(signed);
    const ports: ClassificationPorts = { commands, directory, salt, now };
    return {
      definition: classificationDefinition(directory, policy, salt, caseCodes(store)),
      engine: (options) => withDirectory(createEngine(options), signed, live?.watch),
      controllers: [ContactsController],
      providers: [{ provide: classificationPorts, useValue: ports }],
      // The policy in force is recorded before it decides the first case (R9.1).
      async started() {
        const about = { key: 'policy', name: 'activate-policy', actor: 'configuration' };
        const activated = await commands.command(about, activatePolicy(policy));
        if ('refused' in activated) throw new Error(`${settings.READMIT_POLICY_FILE}: ${activated.refused.message}`);
        live?.watch.start();
      },
      ...(live ? { figures: sourceFigures(store, live.source.name), close: () => live.watch.stop() } : {}),
    };
  },
});

/** Timeout of each operation at the source. */
const callTimeoutMs = 30_000;
/** Entries of a source that are named in the log; their number is not limited. */
const maxNamed = 20;

/** Opens no connection. */
function factSource(settings: SourceSettings, options: SourceOptions): FactSource {
  if (settings.kind === 'ldap') return ldapSource(settings, options);
  return settings.kind === 'keycloak' ? keycloakSource(settings, options) : scimSource(settings, options);
}

function liveSource(settings: SourceSettings, { store, log, now }: Pick<BuildContext, 'store' | 'log' | 'now'>) {
  const named = new Set<string>();
  const unusable = (entry: string, why: string): void => {
    if (named.has(entry) || named.size >= maxNamed) return;
    named.add(entry);
    log.warn({ source: settings.name, entry, why }, 'an entry of the directory source cannot be used');
  };
  const source = factSource(settings, { callTimeoutMs, now, unusable });
  const tables = new SourceTables(store, source, randomUUID());
  return { source, tables, watch: new SourceWatch(source, tables, log, now) };
}
