/** How a directory names what the connector needs. OpenLDAP with its password policy overlay is the one that is tested. */
export interface Profile {
  /** Lasting id of an entry, which a rename or a move does not change. */
  readonly id: string;
  readonly member: string;
  /** Object classes of groups whose `member` the connector changes; `true`: a group of the class must have a member. */
  readonly groups: Readonly<Record<string, boolean>>;
  readonly lockedSince: string;
  /** Value of `lockedSince` of an account that was locked by an administrator: no time ends it. */
  readonly lockedForGood: string;
  readonly mustChange: string;
}

// Active Directory is not here: its lock is another attribute, it has no assertion control, and members come in ranges. Without a server to
// test against, a profile for it would be a guess.
export const openldap: Profile = {
  id: 'entryUUID',
  member: 'member',
  groups: { groupofnames: true, groupofmembers: false },
  lockedSince: 'pwdAccountLockedTime',
  lockedForGood: '000001010000Z',
  mustChange: 'pwdReset',
};
