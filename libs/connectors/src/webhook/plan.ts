import type { Ask, Facet, Plan, RecipientKey, Step, Undo } from '@readmit/contracts';
import { askTable, stepServesAsk, stepTable, type PlanParts } from '@readmit/domain';
import { TargetError } from '../connector.js';
import { holdId } from '../plan-identity.js';
import type { LocalFacet, Planned } from './messages.js';

/** Facets have a prefix for their object, so that names of two objects or two targets never collide. */
const prefixOf = (connector: string, object: string): string => `${connector}/${object}/`;
export const globalFacets = (connector: string, object: string, facets: readonly LocalFacet[]): Facet[] =>
  facets.map(({ name, value }) => ({ name: `${prefixOf(connector, object)}${name}`, value }));
export function localFacets(connector: string, object: string, facets: readonly Facet[]): LocalFacet[] {
  const prefix = prefixOf(connector, object);
  return facets.filter(({ name }) => name.startsWith(prefix)).map(({ name, value }) => ({ name: name.slice(prefix.length), value }));
}

/** One grant holds what it gives; secrets of one account are held by one case at a time (R6.5). */
function holdOf(kind: Step['kind'], { connector, object, entitlement }: Ask, identity: Planned['identity']): string | undefined {
  const { undo, ofEntitlement } = stepTable[kind];
  if (undo === undefined) return undefined;
  if (!ofEntitlement) return holdId(connector, 'secret', object);
  return holdId(connector, kind, entitlement ?? '', ...identity.map(({ value }) => value));
}

/**
 * The parts of a plan. The receiver describes what it would do; what is allowed, who may open a secret and how each step ends is decided here:
 * there is no step without its end.
 */
export function partsOf(
  ask: Ask,
  planned: Planned,
  options: { readonly durationSeconds: number; readonly overlapSeconds: number; readonly recipients: readonly RecipientKey[] },
): PlanParts {
  const { connector, object, entitlement } = ask;
  const { identity, step } = planned;
  const shown = new Set(planned.facets.map(({ name }) => name));
  if (shown.size < planned.facets.length) throw refused(ask, 'names a facet twice');
  const described = {
    removes: planned.removes ?? [],
    restores: planned.restores ?? [],
    untouched: planned.untouched ?? [],
    ...(planned.warnings && planned.warnings.length > 0 ? { warnings: planned.warnings } : {}),
    before: globalFacets(connector, object, planned.facets),
  };
  if (!step) return { steps: [], obligations: [], ...described };
  const { undo, ofEntitlement, sealedTo } = stepTable[step.kind];
  if (!stepServesAsk(step.kind, ask.kind) || stepTable[step.kind].withEveryAsk)
    throw refused(ask, `plans the step ${step.kind}, which does not belong to ${ask.kind}`);
  const unseen = step.touches.find((name) => !shown.has(name));
  if (unseen !== undefined) throw refused(ask, 'says that the step touches a facet that it does not show');
  if (sealedTo !== undefined && options.recipients.length === 0) throw refused(ask, 'creates a secret, but nobody has a key to open it');
  if (planned.old && undo !== 'secret.destroy') throw refused(ask, 'replaces a secret, which only a new secret does');
  const hold = holdOf(step.kind, ask, identity);
  const given = {
    connector,
    object,
    ...(ofEntitlement && entitlement !== undefined ? { entitlement } : {}),
    identity: [...identity],
    ...(hold === undefined ? {} : { hold }),
  };
  return {
    steps: [
      {
        ...given,
        kind: step.kind,
        recipients: sealedTo === undefined ? [] : options.recipients.map(({ fingerprint }) => fingerprint),
        says: step.says,
        touches: step.touches.map((name) => `${prefixOf(connector, object)}${name}`),
      },
    ],
    obligations: endsOf(ask, planned, { ...given, says: step.undoSays ?? undoText(step.says) }, options),
    ...described,
  };
}

function endsOf(
  ask: Ask,
  { step, old }: Planned,
  given: Omit<Undo, 'id' | 'kind' | 'armedBy' | 'unlessTakenOver' | 'afterSeconds'>,
  { durationSeconds, overlapSeconds }: { readonly durationSeconds: number; readonly overlapSeconds: number },
): PlanParts['obligations'] {
  const undo = step && stepTable[step.kind].undo;
  // Nothing ends at a set time; "this was not me" must still be able to undo it (R5.4).
  if (undo === undefined)
    return [{ ...given, kind: 'enrolment.withdraw', armedBy: 'repudiation', unlessTakenOver: false, afterSeconds: 0 }];
  const isSecret = undo === 'secret.destroy';
  // A lost or stolen secret must end at once; one that is only rotated may overlap, at most until the case ends.
  const overlap = ask.kind === 'secret.rotate' ? Math.min(overlapSeconds, durationSeconds) : 0;
  return [
    { ...given, kind: undo, armedBy: 'start', unlessTakenOver: isSecret, afterSeconds: durationSeconds },
    ...(old
      ? [
          {
            ...given,
            kind: undo,
            object: old.object,
            identity: [...old.identity],
            armedBy: 'success' as const,
            unlessTakenOver: false,
            afterSeconds: overlap,
            says: old.says,
          },
        ]
      : []),
  ];
}

const undoText = (says: string): string => `Undo: ${says}`.slice(0, 500);
const refused = ({ connector, kind }: Ask, why: string) =>
  new TargetError(`${connector} returned an invalid plan for ${kind}: it ${why}`, 'none', 'refused');

/** The ask of the plan that a step or undo serves. */
export function askOf(plan: Plan, one: Step | Undo): Ask {
  const step =
    'askId' in one
      ? one
      : plan.steps.find(
          ({ connector, object, hold }) =>
            connector === one.connector && hold === one.hold && (hold !== undefined || object === one.object),
        );
  const ask = step && plan.asks.find(({ id }) => id === step.askId);
  if (!ask) throw new TargetError(`the plan has no step that ${one.kind} of ${one.object} belongs to`, 'none', 'refused');
  return ask;
}

/** An ask as the receiver gets it. */
export const askFor = ({ kind, object, entitlement }: Ask) => ({
  kind,
  object,
  ...(askTable[kind].entitlement !== undefined && entitlement !== undefined ? { entitlement } : {}),
});
