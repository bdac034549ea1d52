import type { Ask, RecipientKey } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { TargetError } from '../connector.js';
import type { PersonState } from './admin-client.js';
import { accountOf, facetName, facetsOf, factorOf, untouchedBy } from './facets.js';

type PlannedStep = PlanParts['steps'][number];

/** At most this many factors are named, because texts, lists and identities of a step are bounded. All factors in `before` are removed. */
const maxNamed = 8;
/** The length of a facet. With more factors than fit, the plan is refused: none of them may be forgotten. */
const maxFacetLength = 2000;

/** The plan for one ask at this target, from the state of the person. */
export function partsOf(
  connector: string,
  ask: Ask,
  state: PersonState,
  durationSeconds: number,
  recipients: readonly RecipientKey[],
): PlanParts {
  const { object } = ask;
  const removes = ask.kind === 'factor.replace' || ask.kind === 'factor.reset';
  const issues = ask.kind === 'factor.bypass' || ask.kind === 'factor.reset';
  const unlocks = ask.kind === 'account.unlock';
  if (issues && recipients.length === 0)
    throw new TargetError('a bypass needs a recipient key to be sealed to, and the case has none', 'none', 'refused');
  if (issues && state.bypass.state === 'active')
    throw new TargetError(
      `${object} already has an active bypass, issued for ${state.bypass.for ?? 'another case'}; close it first`,
      'none',
      'refused',
    );
  const account = accountOf(state);
  const touches = (what: Parameters<typeof facetName>[2]) => [facetName(connector, object, what)];
  const step = (kind: PlannedStep['kind'], says: string, more: Partial<PlannedStep> = {}): PlannedStep => ({
    kind,
    connector,
    object,
    recipients: [],
    says,
    identity: [account],
    touches: [],
    ...more,
  });
  if (state.factors.map(({ id }) => id).join(' ').length > maxFacetLength)
    throw new TargetError(
      `${object} has ${state.factors.length} factors, more than a plan can name: remove some by hand`,
      'none',
      'refused',
    );
  const each = state.factors.map(({ id, kind }) => `${kind} factor ${id} of ${object}`.slice(0, 500));
  const more = each.length - maxNamed;
  const factors = more > 0 ? [...each.slice(0, maxNamed), `${more} more factors of ${object}`] : each;
  const minutes = Math.max(1, Math.round(durationSeconds / 60));
  const steps: PlannedStep[] = [];
  if (removes)
    steps.push(
      step('factor.remove', removalOf(factors, object), {
        identity: [account, ...state.factors.slice(0, maxNamed).map(({ id }) => factorOf(id))],
        touches: touches('factors'),
      }),
      step('sessions.end', `End every session of ${object} that a factor opened.`),
    );
  if (unlocks && state.locked) steps.push(step('account.unlock', `Lift the lock of ${object}.`, { touches: touches('locked') }));
  if (issues)
    steps.push(
      step(
        'bypass.issue',
        `Issue a one-time bypass for ${object}, sealed to the key of the case: it opens a session that can only enrol a new factor.`,
        // No hold: a bypass belongs to the one case that it was issued for, and no other grant can need it.
        { recipients: recipients.map(({ fingerprint }) => fingerprint), touches: touches('bypass') },
      ),
    );
  return {
    steps,
    obligations: [
      ...(issues
        ? [
            {
              kind: 'bypass.close' as const,
              connector,
              object,
              armedBy: 'start' as const,
              unlessTakenOver: false,
              afterSeconds: durationSeconds,
              says: `Void the bypass of ${object} and end the session that it opened, after ${minutes} min at the latest.`,
              identity: [account],
            },
          ]
        : []),
      // Nothing to undo if nothing is done.
      ...(steps.length > 0
        ? [
            {
              kind: 'enrolment.withdraw' as const,
              connector,
              object,
              armedBy: 'repudiation' as const,
              unlessTakenOver: false,
              afterSeconds: 0,
              // The same text for every kind of ask, so that several asks about one account have it once.
              says: `If this is repudiated, frozen or contained, at any time: remove every factor that ${object} enrolled since this plan, void the bypass of the case, end every session, and where a lock was lifted lock the account again. What it removed does not come back, and API tokens already issued live to their own end, at most one hour.`,
              identity: [account],
            },
          ]
        : []),
    ],
    removes: removes ? [...factors, `open sessions of ${object}`] : [],
    restores:
      unlocks && state.locked
        ? [`sign-in of ${object}, which was locked after bad tries`]
        : issues
          ? [`the way for ${object} to enrol a new factor, once, with password and bypass`]
          : [],
    untouched: untouchedBy(ask),
    // Anyone who knows the name can cause a lock: it is a warning, and does not make the plan fail (R1.8).
    warnings:
      state.locked && !unlocks
        ? [`The account ${object} is locked: ${issues ? 'a bypass' : 'a new factor'} alone will not open it; ask for account.unlock too.`]
        : [],
    before: facetsOf(connector, object, state, false),
  };
}

function removalOf(factors: readonly string[], object: string): string {
  if (factors.length === 0) return `Make sure that ${object} has no factor left.`;
  const says = `Remove ${factors.join(', ')}.`;
  return says.length <= 500 ? says : `Remove every factor of ${object} that is listed among what the plan removes.`.slice(0, 500);
}
