import type { ServiceDefinition } from '@readmit/runtime';
import { approvalReact } from '@readmit/domain';
import { saveNotes } from './outbound/evidence-notes.js';
import { saveInbox } from './outbound/inbox-rows.js';

export const approvalDefinition: ServiceDefinition = {
  name: 'approval',
  consumes: [
    'readmit.case.opened',
    'readmit.case.classified',
    'readmit.people.attested',
    // Kept under its own key, so that approvers are shown the policy whose digest they sign.
    'readmit.policy.activated',
    'readmit.plan.proposed',
    'readmit.plan.refused',
    'readmit.case.frozen',
    'readmit.containment.ordered',
    'readmit.deadline.reached',
  ],
  react: approvalReact,
  work: {},
  async save(tx, changes, now) {
    // Sent together: neither waits for the other's answer.
    await Promise.all([saveNotes(tx, changes), saveInbox(tx, changes, now)]);
  },
  wakes: 'deadline',
};
