import type { Ask, RecipientKey } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { TargetError } from '../connector.js';
import { accountIdentity, facetName, facetsOf, factorIdentity, type Account } from './account.js';
import type { RealmPaths } from './weaker-paths.js';

type PlannedStep = PlanParts['steps'][number];
/** Factors named in a step; all factors in `before` are removed. */
const maxNamed = 8;
const maxFacetLength = 2000;

/** The plan for one ask about a person's authentication, from the current state of the account. */
export function planAccount(
  ask: Ask,
  account: Account,
  paths: RealmPaths,
  { durationSeconds, recipients }: { readonly durationSeconds: number; readonly recipients: readonly RecipientKey[] },
): PlanParts {
  const { connector, object } = ask;
  const who = account.username.slice(0, 100);
  const removes = ask.kind === 'factor.replace' || ask.kind === 'factor.reset';
  const issues = ask.kind === 'factor.bypass' || ask.kind === 'factor.reset';
  const unlocks = ask.kind === 'account.unlock' && account.lock !== 'none';
  const ownCodes = account.factors.filter(({ type }) => type === 'recovery-authn-codes');
  const refuse = (why: string): never => {
    throw new TargetError(why, 'none', 'refused');
  };
  if (!account.enabled) refuse(`${object} was disabled at ${connector} by an administrator: only one may enable it`);
  if (ask.kind !== 'account.unlock' && paths.refuse.length > 0)
    refuse(`a second factor does not protect accounts at ${connector}: ${paths.refuse.join('; ')}`);
  if (issues) {
    if (recipients.length === 0) refuse('a bypass must be sealed to a key, and the case has none');
    if (account.bypasses.length > 0) refuse(`${object} already has a bypass, issued for ${account.bypasses[0]?.caseId}; close it first`);
    if (!paths.acceptsCodes)
      refuse(`the browser flow of ${connector} does not accept recovery codes: enable "Recovery Authentication Code Form" in it`);
    if (!paths.canEnrol) refuse(`the required action CONFIGURE_TOTP is disabled at ${connector}: nobody could enrol after the bypass`);
    if (ask.kind === 'factor.bypass' && ownCodes.length > 0)
      refuse(`${object} has recovery codes of its own, which a bypass would replace: sign in with one of them, or ask for factor.reset`);
  }
  if (account.factors.map(({ id }) => id).join(' ').length > maxFacetLength) refuse(`${object} has more factors than a plan can name`);
  const identity = [accountIdentity(account)];
  const touches = (...what: string[]) => what.map((one) => facetName(ask, one));
  const step = (kind: PlannedStep['kind'], says: string, more: Partial<PlannedStep> = {}): PlannedStep => ({
    ...{ kind, connector, object, recipients: [], says: says.slice(0, 500), identity, touches: [] },
    ...more,
  });
  const each = account.factors.map(({ id, type, userLabel }) =>
    `${type} ${userLabel ? `"${userLabel.slice(0, 60)}" ` : ''}${id} of ${who}`.slice(0, 500),
  );
  const steps: PlannedStep[] = [];
  // The bypass comes first: without a factor and without a code nobody could sign in.
  if (issues)
    steps.push(
      step(
        'bypass.issue',
        `Issue a one-time code for ${who}, sealed to the key of the case: with the password it opens the enrolment of a new device and nothing else.`,
        {
          recipients: recipients.map(({ fingerprint }) => fingerprint),
          touches: touches('bypass', ...(account.requiredActions.includes('CONFIGURE_TOTP') ? [] : ['required-actions'])),
        },
      ),
    );
  if (removes)
    steps.push(
      step(
        'factor.remove',
        each.length === 0
          ? `Make sure that ${who} has no second factor left.`
          : `Remove every second factor of ${who} that the plan lists.`,
        {
          identity: [...identity, ...account.factors.slice(0, maxNamed).map(({ id }) => factorIdentity(id))],
          touches: each.length === 0 ? [] : touches('factors'),
        },
      ),
      step('sessions.end', `End every session, offline grant and consent of ${who}.`),
    );
  if (unlocks) steps.push(step('account.unlock', `Lift the ${account.lock} lock of ${who}.`, { touches: touches('locked') }));
  const minutes = Math.max(1, Math.round(durationSeconds / 60));
  return {
    steps,
    obligations: [
      ...(issues
        ? [
            {
              ...{ kind: 'bypass.close' as const, connector, object, armedBy: 'start' as const, unlessTakenOver: false },
              ...{ afterSeconds: durationSeconds, identity },
              says: `Delete the one-time code of ${who} after ${minutes} min at the latest. Where it was used already, the enrolment page that it opened can be finished until the login timeout of the realm.`,
            },
          ]
        : []),
      ...(steps.length > 0
        ? [
            {
              ...{ kind: 'enrolment.withdraw' as const, connector, object, armedBy: 'repudiation' as const, unlessTakenOver: false },
              ...{ afterSeconds: 0, identity },
              // The same text for every kind of ask, so that several asks about one account share the obligation.
              says: `If this is repudiated, frozen or contained, at any time: delete every second factor that ${who} enrolled since this plan and the code of the case, end every session, and where a lock was lifted disable the account. What was removed does not come back; access tokens live to their own end, ${paths.accessTokenSeconds} s.`,
            },
          ]
        : []),
    ],
    removes: removes ? [...each, `sessions, offline grants and consents of ${who}`] : [],
    restores: unlocks
      ? [`sign-in of ${who}, which was locked after bad tries`]
      : issues
        ? [`the way for ${who} to enrol a new device, once`]
        : [],
    untouched: [
      `the password of ${who} at ${connector}`,
      `roles and groups of ${who}`,
      `every other account at ${connector}`,
      `access tokens already issued: resource servers that do not ask Keycloak take them for up to ${paths.accessTokenSeconds} s`,
    ],
    warnings: [
      ...(account.lock !== 'none' && !unlocks ? [`The account ${who} is locked: ask for account.unlock too.`] : []),
      ...(ask.kind === 'factor.replace'
        ? [`${who} has no second factor afterwards and cannot sign in without a bypass: factor.reset does both.`]
        : []),
      ...(ask.kind === 'account.unlock' ? paths.refuse.map((one) => `Weaker path: ${one}.`) : []),
      ...paths.warn,
    ].map((one) => one.slice(0, 500)),
    before: facetsOf(ask, account),
  };
}
