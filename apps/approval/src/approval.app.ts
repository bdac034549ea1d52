import { engineCrypto } from '@readmit/signing';
import { serviceApp } from '@readmit/service';
import { approvalDefinition } from './approval.definition.js';
import { ApprovalController, approvalPorts, type ApprovalPorts } from './inbound/approval.controller.js';
import { InboxController } from './inbound/inbox.controller.js';

export const approvalApp = serviceApp({
  name: 'approval',
  area: 'approval',
  settings: {},
  async build({ settings, commands, store, now }) {
    const ports: ApprovalPorts = { commands, store, crypto: engineCrypto, publicUrl: settings.READMIT_PUBLIC_URL, now };
    return {
      definition: approvalDefinition,
      controllers: [ApprovalController, InboxController],
      providers: [{ provide: approvalPorts, useValue: ports }],
    };
  },
});
