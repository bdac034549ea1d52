/** Permissions as the brokers keep them, and what of them the catalogue knows nothing of. */
import type { AclSpec } from '@readmit/contracts';
import kafkajs, { type AclEntry, type DescribeAclResource } from 'kafkajs';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

export const aclEntry = ({ principal, operation, resource, pattern, name }: AclSpec): AclEntry => ({
  principal: `User:${principal}`,
  host: '*',
  operation: AclOperationTypes[operation],
  permissionType: AclPermissionTypes.ALLOW,
  resourceType: resource === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
  resourceName: name,
  resourcePatternType: pattern === 'literal' ? ResourcePatternTypes.LITERAL : ResourcePatternTypes.PREFIXED,
});

/** Two entries of the same words are the same permission. */
export const sameWords = (entry: AclEntry): string =>
  JSON.stringify([
    ...[entry.principal, entry.host, entry.operation, entry.permissionType],
    ...[entry.resourceType, entry.resourceName, entry.resourcePatternType],
  ]);

export const entriesOf = (resources: readonly DescribeAclResource[]): readonly AclEntry[] =>
  resources.flatMap(({ acls, resourceType, resourceName, resourcePatternType }) =>
    acls.map((acl) => ({ ...acl, resourceType, resourceName, resourcePatternType })),
  );

/** Permissions on our topics and groups that are not in the event catalogue, as sentences. */
export function foreignPermissions(there: readonly AclEntry[], wanted: readonly AclSpec[], topics: readonly string[]): readonly string[] {
  const known = new Set(wanted.map((acl) => sameWords(aclEntry(acl))));
  const groups = wanted.filter((acl) => acl.resource === 'group').map((acl) => acl.name);
  const touches = (entry: AclEntry, names: readonly string[]): boolean =>
    entry.resourceName === '*' ||
    names.some((name) =>
      entry.resourcePatternType === ResourcePatternTypes.PREFIXED ? name.startsWith(entry.resourceName) : name === entry.resourceName,
    );
  const ours = (entry: AclEntry): boolean =>
    (entry.resourceType === AclResourceTypes.TOPIC && touches(entry, topics)) ||
    (entry.resourceType === AclResourceTypes.GROUP && touches(entry, groups)) ||
    entry.resourceType === AclResourceTypes.CLUSTER;
  return there.filter((entry) => ours(entry) && !known.has(sameWords(entry))).map(sentence);
}

function sentence(entry: AclEntry): string {
  const may = entry.permissionType === AclPermissionTypes.DENY ? 'is denied' : 'is allowed';
  const kind = nameOf(AclResourceTypes, entry.resourceType).toLowerCase();
  const pattern = entry.resourcePatternType === ResourcePatternTypes.PREFIXED ? `${entry.resourceName}*` : entry.resourceName;
  const from = entry.host === '*' ? '' : ` from ${entry.host}`;
  return `${entry.principal} ${may} ${nameOf(AclOperationTypes, entry.operation)} on ${kind} ${pattern}${from}, which is not in the event catalogue`;
}

/** kafkajs declares enums, and has plain objects: they cannot be asked for the name of a number. */
const nameOf = (names: Readonly<Record<string, string | number>>, value: number): string =>
  Object.keys(names).find((name) => names[name] === value) ?? String(value);
