import type { Directory } from '@readmit/contracts';

type Person = Directory['people'][number];

/** An employee in one team with one account and no phone number. */
export const person = (id: string, team: string, more: Partial<Person> = {}): Person => ({
  id,
  human: id,
  teams: [team],
  authority: 5,
  employment: 'employee',
  privileged: false,
  keys: [],
  name: id,
  contacts: [],
  accounts: [{ connector: 'demo-idp', object: id }],
  ...more,
});
