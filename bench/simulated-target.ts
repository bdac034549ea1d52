/**
 * A target system that is simulated and says so in its name: it answers at once and keeps nothing. What a real target costs is
 * measured with the connectors; here it must cost nothing, so that the figures are those of the pipeline.
 */
import type { Connector } from '@readmit/connectors';
import type { Ask, Facet } from '@readmit/contracts';

export const simulatedTarget = 'simulated';

const facets = (ask: Pick<Ask, 'object'>): readonly Facet[] => [
  { name: `${ask.object}:factor`, value: 'lost' },
  { name: `${ask.object}:state`, value: 'enabled' },
];

/** Plans a bypass that is closed again, does it, and sees a new factor enrolled at the first look: the case ends after use. */
export function openSimulatedTarget(): Connector {
  return {
    name: simulatedTarget,
    capabilities: {
      asks: ['factor.reset'],
      can: ['read-back', 'end-sessions', 'one-time-credential', 'native-expiry'],
      residualSeconds: 0,
    },
    plan: async (ask, { durationSeconds, recipients }) => {
      const at = { connector: ask.connector, object: ask.object };
      const sealedTo = recipients.map((recipient) => recipient.fingerprint);
      return {
        steps: [
          { ...at, kind: 'factor.remove', recipients: [], says: `removes the lost factor of ${ask.object}` },
          { ...at, kind: 'bypass.issue', recipients: sealedTo, says: `issues a one-time bypass for ${ask.object}` },
        ],
        obligations: [
          {
            ...at,
            kind: 'bypass.close',
            armedBy: 'start',
            unlessTakenOver: false,
            afterSeconds: durationSeconds,
            says: `closes the bypass of ${ask.object}`,
          },
        ],
        removes: [`the lost factor of ${ask.object}`],
        restores: [`a way for ${ask.object} to enrol a new factor`],
        untouched: ['password', 'roles', 'groups'],
        before: facets(ask),
      };
    },
    read: async (ask) => facets(ask),
    execute: async (step) => ({
      after: facets(step),
      sealed: step.kind === 'bypass.issue' ? step.recipients.map((recipient) => ({ recipient, jwe: 'simulated'.repeat(60) })) : [],
    }),
    undo: async (undo) => ({ readBack: facets(undo), sessionsEnded: 1 }),
    observe: async (plan) => plan.asks.map(({ object }) => ({ object, enrolled: { factor: 'simulated-factor' } })),
    check: () => Promise.resolve([]),
    close: async () => {},
  };
}
