export { Facts } from './kernel/facts.js';
export { assertNever, refusal } from './kernel/behaviour.js';
export type { Command, Commanded, Context, Crypto, React, Reaction, Refusal, WorkDraft } from './kernel/behaviour.js';
