/** The directory of people, machines and privileged entitlements: a signed file (compact JWS, EdDSA) that only classification fetches. */
import { Type, type Static } from 'typebox';
import { closed, Consumer, Id, Instant, oneOf, Person, Text } from './events/values.js';

export const Contact = closed({ kind: oneOf(['phone', 'email', 'mobile'] as const), value: Text });
export const DirectoryPerson = closed({
  ...Person.properties,
  name: Text,
  /** Bounded, because they are attested in an event, whose size is limited: nobody has more devices than that. */
  keys: Type.Array(Person.properties.keys.items, { maxItems: 20 }),
  /** For notices and call-backs; leaves classification only as salted digests. */
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
  /** Privileged roles and groups. No rule reads it yet: restoring any role or group is a privileged restoration. */
  privileged: Type.Array(closed({ connector: Id, entitlement: Id })),
});
export type Directory = Static<typeof Directory>;
/** The unsigned source of a directory; signing sets `issuedAt`. */
export const DirectorySource = Type.Omit(Directory, ['issuedAt'], { additionalProperties: false });
/** `typ` of the signed directory (JWS): prevents another text signed with the same key from being accepted as one. */
export const directoryType = 'readmit-directory+jwt';
