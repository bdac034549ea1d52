// at: apps/approval/src/canary.ts
/** A control: a call reports what happened, and other names are free. */
export const calls = { plan: async () => 'done', started: () => true };
export const rules = {
  consumes: ['readmit.case.opened'],
  begin: () => ({ go: true }),
  finish() {
    return { emit: [] };
  },
};
export const react = () => ({ emit: [] });
export function keysOf(): readonly string[] {
  return [];
}
export class Rules {
  finish = () => ({ emit: [] });
  begin(): boolean {
    return true;
  }
}
