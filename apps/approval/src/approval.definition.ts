import { defineService } from '@readmit/runtime';
import { approvalProcess } from '@readmit/domain';
import { saveNotes } from './outbound/evidence-notes.js';
import { saveInbox } from './outbound/inbox-rows.js';

export const approvalDefinition = defineService(approvalProcess, {
  calls: {},
  async save(tx, changes, now) {
    // Both queries are sent at once: neither waits for the other's result.
    await Promise.all([saveNotes(tx, changes), saveInbox(tx, changes, now)]);
  },
});
