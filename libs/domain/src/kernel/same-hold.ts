import type { Undo } from '@readmit/contracts';

/** Whether two undos let go of one thing: by hold where plans name one, by name in plans of before. */
export const isSameHold = (a: Undo, b: Undo): boolean =>
  a.hold !== undefined || b.hold !== undefined
    ? a.hold === b.hold
    : a.kind === b.kind && a.connector === b.connector && a.object === b.object && a.entitlement === b.entitlement;
