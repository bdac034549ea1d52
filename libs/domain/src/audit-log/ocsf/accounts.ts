import type { Given, Undone } from '@readmit/contracts';
import { askTable, stepTable, undoTable, type OcsfRow } from '../../kernel/restorations.js';
import type { OcsfUser } from './event.js';
import { accountChange, noAction, revoked, success, user, userAccess, type About, type Mapped } from './classes.js';
import type { userTypes } from './vocabulary.js';

type AccountRow = Exclude<OcsfRow, 'access'>;
const isAccountRow = (row: OcsfRow | undefined): row is AccountRow => row !== undefined && row !== 'access';
export const isOfMachine = (row: OcsfRow | undefined): boolean => isAccountRow(row) && row.account === 'machine';
const accountOf = (row: OcsfRow, object: string, connector: string): OcsfUser =>
  user(object, isAccountRow(row) ? userTypeOf[row.account] : undefined, connector);
const userTypeOf = { person: 1, machine: 4 } as const satisfies Record<AccountRow['account'], keyof typeof userTypes>;

/**
 * The record of what a restoration gave. An entry is one record of one class: the most important item decides (privileges
 * before secrets before factors), and of those the first account. The rest is in `unmapped.gave`.
 */
export function given(gave: readonly Given[], about: About): Mapped | undefined {
  const privileges = gave.filter(({ kind }) => stepTable[kind].ocsf === 'access');
  const [privilege] = privileges;
  if (privilege) {
    const { connector, object } = privilege;
    const names = privileges
      .filter((one) => one.connector === connector && one.object === object)
      .flatMap(({ entitlement }) => entitlement ?? []);
    return userAccess(1, user(object, undefined, connector), names, connector, about);
  }
  return weightiest(
    gave.map(({ kind, object, connector }) => ({ row: stepTable[kind].ocsf, object, connector })),
    about,
  );
}

/** The change of a machine's account, or of the first account that was changed; undefined: none was. */
function weightiest(
  changes: readonly { readonly row: OcsfRow | undefined; readonly object: string; readonly connector: string }[],
  about: About,
): Mapped | undefined {
  const known = changes.flatMap(({ row, ...account }) => (isAccountRow(row) ? [{ row, ...account }] : []));
  const change = known.find(({ row }) => isOfMachine(row)) ?? known[0];
  return change && accountChange(change.row.activity, accountOf(change.row, change.object, change.connector), about);
}

/** Change of the account, by the last part of a hold in older events; undefined: that part names an entitlement. */
const changeOf = (what: string): AccountRow | undefined =>
  Object.hasOwn(askTable, what) ? askTable[what as keyof typeof askTable].ocsf : undefined;

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

/** The same for events from before `gave`, whose holds were names. */
export function givenByHolds(holds: readonly string[], about: About): Mapped | undefined {
  const all = holds.map(holdIn).filter((hold) => hold !== undefined);
  const privileges = all.filter(({ what }) => !changeOf(what));
  const [privilege] = privileges;
  if (privilege) {
    const { connector, object } = privilege;
    const names = privileges.filter((hold) => hold.connector === connector && hold.object === object).map(({ what }) => what);
    return userAccess(1, user(object, undefined, connector), names, connector, about);
  }
  return weightiest(
    all.map(({ what, ...account }) => ({ row: changeOf(what), ...account })),
    about,
  );
}

/** The record of what was undone: read back at the target, never given, or left because another grant still holds it. */
export function takenBack(undo: Undone, how: 'undone' | 'never-began' | 'still-held', about: About): Mapped {
  const all: About = { ...about, status: success, control: how === 'undone' ? revoked : noAction };
  const row = undoTable[undo.kind].ocsf;
  const account = accountOf(row, undo.object, undo.connector);
  if (row === 'access') return userAccess(2, account, undo.entitlement === undefined ? [] : [undo.entitlement], undo.connector, all);
  const { activity, activityName } = row;
  return accountChange(activity, account, activityName === undefined ? all : { ...all, activity_name: activityName });
}

/** The same for a confirmation that only names the hold. */
export function takenBackHold(hold: string, how: 'undone' | 'never-began' | 'still-held', about: About): Mapped | undefined {
  const found = holdIn(hold);
  if (!found) return undefined;
  return takenBack({ kind: 'role.revoke', connector: found.connector, object: found.object, entitlement: found.what }, how, about);
}
