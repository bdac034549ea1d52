import type { EmittedEvent } from '@readmit/runtime';
import type { ServiceFigures } from '@readmit/service';

/** From the grant to the first change at a target: the delay that the gate and the queue add. */
export const gateFigures: ServiceFigures = {
  waits: {
    gate_wait_seconds: {
      says: 'From approval granted to execution started; worry when the 95th percentile is above 10 seconds: audit or the scheduler is slow.',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      of({ type, at, facts }: EmittedEvent): number | undefined {
        const granted = type === 'readmit.execution.started' ? facts.first('readmit.approval.granted') : undefined;
        return granted && (Date.parse(at) - Date.parse(granted.at)) / 1000;
      },
    },
  },
};
