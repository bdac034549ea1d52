/** What became of accounts: the class by what was given or taken, so that an analyst finds it where such changes are always found. */
import type { AskKind, Given, StepKind, UndoKind, Undone } from '@readmit/contracts';
import { accountChange, noAction, revoked, success, user, userAccess, type About, type Mapped } from './classes.js';
import type { ActivityId, userTypes } from './vocabulary.js';

/** Changes of the account itself by what a step did; the end of sessions is none. */
const changesOfStep: Partial<Record<StepKind, ActivityId<3001>>> = {
  'factor.remove': 11,
  'bypass.issue': 10,
  'account.unlock': 12,
  'secret.issue': 4,
};

/**
 * What a restoration gave, as the event names it. One entry is one record, and one record has one class: the weightiest thing decides,
 * privileges before secrets before factors, and of that the first account. The rest is in `unmapped.gave`.
 */
export function given(gave: readonly Given[], about: About): Mapped | undefined {
  const privilege = gave.find(({ kind }) => kind === 'role.grant');
  if (privilege) {
    const { connector, object } = privilege;
    const privileges = gave
      .filter((one) => one.kind === 'role.grant' && one.connector === connector && one.object === object)
      .flatMap(({ entitlement }) => entitlement ?? []);
    return userAccess(1, user(object, undefined, connector), privileges, connector, about);
  }
  const change = gave.find(({ kind }) => kind === 'secret.issue') ?? gave.find(({ kind }) => changesOfStep[kind] !== undefined);
  const activity = change && changesOfStep[change.kind];
  if (!change || activity === undefined) return undefined;
  return accountChange(activity, user(change.object, change.kind === 'secret.issue' ? 4 : 1, change.connector), about);
}

/** Changes of the account itself, by the last part of a hold of old events. What is not here is the name of an entitlement. */
const changes = {
  'factor.replace': 11,
  'factor.bypass': 10,
  'factor.reset': 11,
  'backup-method.activate': 10,
  'account.unlock': 12,
  'secret.rotate': 4,
  'secret.reissue': 4,
} as const satisfies Partial<Record<AskKind, ActivityId<3001>>>;
type Change = keyof typeof changes;
const isChange = (what: string): what is Change => Object.hasOwn(changes, what);
const ownerOf = (what: string): keyof typeof userTypes => (what.startsWith('secret.') ? 4 : 1);

interface Hold {
  readonly connector: string;
  readonly object: string;
  readonly what: string;
}
/** `<connector>/<object>/<entitlement or kind of ask>`; further slashes belong to the entitlement. */
function holdIn(text: string): Hold | undefined {
  const [connector, object, ...rest] = text.split('/');
  return connector && object && rest.length > 0 ? { connector, object, what: rest.join('/') } : undefined;
}

/** The same of an event from before `gave`: its holds were names. */
export function givenByHolds(holds: readonly string[], about: About): Mapped | undefined {
  const all = holds.map(holdIn).filter((hold) => hold !== undefined);
  const [privilege] = all.filter(({ what }) => !isChange(what));
  if (privilege) {
    const { connector, object } = privilege;
    const privileges = all
      .filter((hold) => hold.connector === connector && hold.object === object && !isChange(hold.what))
      .map(({ what }) => what);
    return userAccess(1, user(object, undefined, connector), privileges, connector, about);
  }
  const change = all.find(({ what }) => ownerOf(what) === 4) ?? all[0];
  if (!change || !isChange(change.what)) return undefined;
  return accountChange(changes[change.what], user(change.object, ownerOf(change.what), change.connector), about);
}

/** What was taken back, and that it was: read back at the target, or never given, or left because another grant holds it still. */
export function takenBack(undo: Undone, how: 'undone' | 'never-began' | 'still-held', about: About): Mapped {
  const all: About = { ...about, status: success, control: how === 'undone' ? revoked : noAction };
  const account = user(undo.object, undo.kind === 'secret.destroy' ? 4 : undo.kind === 'role.revoke' ? undefined : 1, undo.connector);
  const ofKind: Record<UndoKind, () => Mapped> = {
    'role.revoke': () => userAccess(2, account, undo.entitlement === undefined ? [] : [undo.entitlement], undo.connector, all),
    'bypass.close': () => accountChange(11, account, all),
    'enrolment.withdraw': () => accountChange(11, account, all),
    // OCSF 1.8.0 has no activity for the end of a machine's credential.
    'secret.destroy': () => accountChange(99, account, { ...all, activity_name: 'Credential Revoke' }),
  };
  return ofKind[undo.kind]();
}

/** The same of a confirmation that names the hold alone. */
export function takenBackHold(hold: string, how: 'undone' | 'never-began' | 'still-held', about: About): Mapped | undefined {
  const found = holdIn(hold);
  if (!found) return undefined;
  return takenBack({ kind: 'role.revoke', connector: found.connector, object: found.object, entitlement: found.what }, how, about);
}
