import { say } from '@readmit/domain';
import { matching, secretLine, serviceApp, webUrl } from '@readmit/service';
import { classificationDefinition } from './classification.definition.js';
import { classificationPorts, ContactsController, type ClassificationPorts } from './inbound/contacts.controller.js';
import { httpDirectory } from './outbound/directory.js';
import { loadPolicy } from './outbound/policy-file.js';

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
    READMIT_CONTACT_SALT_FILE: {
      says: 'File (mode 0600) with a random text: the salt of contact digests.',
      parse: secretLine('secrets/contact.salt'),
    },
  },
  async build({ settings, commands }) {
    const policy = await loadPolicy(settings.READMIT_POLICY_FILE);
    const directory = httpDirectory(settings.READMIT_DIRECTORY_URL, settings.READMIT_DIRECTORY_KEY);
    const salt = settings.READMIT_CONTACT_SALT_FILE.reveal();
    const ports: ClassificationPorts = { commands, directory, salt };
    return {
      definition: classificationDefinition(directory, policy, salt),
      controllers: [ContactsController],
      providers: [{ provide: classificationPorts, useValue: ports }],
      // The policy in force is on record before the first case is decided by it (R9.1).
      async started() {
        await commands.command({ key: 'policy', name: 'activate-policy', actor: 'configuration' }, (facts) => ({
          emit:
            facts.last('readmit.policy.activated')?.data.digest === policy.digest
              ? []
              : [
                  say('readmit.policy.activated', 'policy', {
                    version: policy.document.version,
                    digest: policy.digest,
                    document: policy.document,
                  }),
                ],
          reply: {},
        }));
      },
    };
  },
});
