/** Names of attributes and classes in a kind of directory. Only OpenLDAP with its password policy overlay is tested. */
export interface Profile {
  /** Permanent id of an entry, which does not change when it is renamed or moved. */
  readonly id: string;
  readonly member: string;
  /** Object classes of groups that the connector can change; `true`: a group of the class must have at least one member. */
  readonly groups: Readonly<Record<string, boolean>>;
  readonly lockedSince: string;
  /** Value of `lockedSince` for an account that an administrator locked: the lock does not expire. */
  readonly lockedForGood: string;
  readonly mustChange: string;
}

// Active Directory is not supported: it locks by another attribute, has no assertion control, and returns members in ranges. A profile for it
// needs a server to test against.
export const openldap: Profile = {
  id: 'entryUUID',
  member: 'member',
  groups: { groupofnames: true, groupofmembers: false },
  lockedSince: 'pwdAccountLockedTime',
  lockedForGood: '000001010000Z',
  mustChange: 'pwdReset',
};
