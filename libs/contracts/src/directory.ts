/** The directory of people, machines and privilege: a signed file (compact JWS, EdDSA), fetched by classification alone. */
import { Type, type Static } from 'typebox';
import { closed, Consumer, Id, Instant, oneOf, Person, Text } from './events/values.js';

export const Contact = closed({ kind: oneOf(['phone', 'email', 'mobile'] as const), value: Text });
export const DirectoryPerson = closed({
  ...Person.properties,
  name: Text,
  /** What stands here is attested for a case, and an event has an end: more keys than anybody has devices are a fault of the directory. */
  keys: Type.Array(Person.properties.keys.items, { maxItems: 20 }),
  /** Where notices and call-backs go; never leaves classification but as salted digests. */
  contacts: Type.Array(Contact, { maxItems: 20 }),
  accounts: Type.Array(closed({ connector: Id, object: Id })),
});
export const DirectoryMachine = closed({
  id: Id,
  ownerTeam: Id,
  connector: Id,
  object: Id,
  consumers: Type.Array(Consumer, { maxItems: 100 }),
});
export const Directory = closed({
  version: Type.Literal(1),
  issuedAt: Instant,
  people: Type.Array(DirectoryPerson),
  machines: Type.Array(DirectoryMachine),
  /** Roles and groups that give power; no rule reads it yet: restoring any role or group is a privileged restoration. */
  privileged: Type.Array(closed({ connector: Id, entitlement: Id })),
});
export type Directory = Static<typeof Directory>;
/** What people write and somebody signs: signing says when it was issued. */
export const DirectorySource = Type.Omit(Directory, ['issuedAt'], { additionalProperties: false });
/** `typ` of the signed directory (JWS): no other text that is signed with the key is taken for one. */
export const directoryType = 'readmit-directory+jwt';
