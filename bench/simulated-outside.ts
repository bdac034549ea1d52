import type { IntakeOutside } from '../apps/intake/src/intake.definition.js';

/** What is outside of intake: every notice goes out at once, and no signal freezes anything. */
export const simulatedOutside: IntakeOutside = {
  notices: { channel: 'simulated-mailbox', send: async () => ({ addresses: 1 }) },
  codeOf: async () => 'CODE',
  freeze: async () => 'done',
};
