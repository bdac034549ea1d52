import type { PlanParts } from '@readmit/domain';
import type { Pair } from './group-pair.js';

type Given = Pair & Required<Pick<PlanParts['steps'][number], 'identity' | 'hold'>>;

/** The step that gives a role or group, and the obligation that takes it back: about the same identities, with the same hold. */
export function grantParts(
  given: Given,
  options: { readonly touches: string[]; readonly says: string; readonly undoSays: string; readonly durationSeconds: number },
): Pick<PlanParts, 'steps' | 'obligations'> {
  const { touches, says, undoSays, durationSeconds } = options;
  return {
    steps: [{ ...given, kind: 'role.grant', recipients: [], touches, says }],
    obligations: [
      { ...given, kind: 'role.revoke', armedBy: 'start', unlessTakenOver: false, afterSeconds: durationSeconds, says: undoSays },
    ],
  };
}
