import type { Undo } from '@readmit/contracts';

/** Whether two undos release the same thing: compared by hold, or by name in plans from before holds existed. */
export const isSameHold = (a: Undo, b: Undo): boolean =>
  a.hold !== undefined || b.hold !== undefined
    ? a.hold === b.hold
    : a.kind === b.kind && a.connector === b.connector && a.object === b.object && a.entitlement === b.entitlement;
