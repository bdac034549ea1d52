import { secretFile, serviceApp, webUrl } from '@readmit/service';
import { CasesController } from './inbound/cases.controller.js';
import { intakePorts, type IntakePorts } from './inbound/ports.js';
import { intakeDefinition } from './intake.definition.js';
import { clientToken, demoMailbox } from './outbound/demo-mailbox.js';
import { Ledger } from './outbound/ledger.js';

const line = (text: string): { value: string; texts: string[] } => ({ value: text.trim(), texts: [text.trim()] });

export const intakeApp = serviceApp({
  name: 'intake',
  area: 'intake',
  settings: {
    READMIT_MAILBOX_URL: {
      says: 'Where notices to people are posted (the demo mailbox).',
      parse: webUrl('http://127.0.0.1:7500/demo/mailbox'),
    },
    READMIT_TOKEN_URL: { says: 'Token endpoint for this service’s own client.', parse: webUrl('http://127.0.0.1:7500/token') },
    READMIT_CLIENT_SECRET_FILE: {
      says: 'File (mode 0600) with the secret of the client readmit-intake.',
      parse: secretFile('secrets/readmit-intake.secret', line),
    },
  },
  async build({ settings, store, commands, newId }) {
    const token = clientToken({
      tokenUrl: settings.READMIT_TOKEN_URL,
      clientId: 'readmit-intake',
      clientSecret: settings.READMIT_CLIENT_SECRET_FILE.reveal(),
      scope: 'mailbox:write',
    });
    const ports: IntakePorts = { commands, ledger: new Ledger(store), publicUrl: settings.READMIT_PUBLIC_URL, newId };
    return {
      definition: intakeDefinition(demoMailbox(settings.READMIT_MAILBOX_URL, token)),
      controllers: [CasesController],
      providers: [{ provide: intakePorts, useValue: ports }],
    };
  },
});
