/** The part of OCSF 1.8.0 that is used: numbers, with their names in the published schema. */

export const ocsfVersion = '1.8.0';

const iam = { category_uid: 3, category_name: 'Identity & Access Management' } as const;

export const classes = {
  2004: {
    category_uid: 2,
    category_name: 'Findings',
    class_name: 'Detection Finding',
    activities: { 1: 'Create', 3: 'Close' },
  },
  3001: {
    ...iam,
    class_name: 'Account Change',
    activities: {
      4: 'Password Reset',
      9: 'Lock',
      10: 'MFA Factor Enable',
      11: 'MFA Factor Disable',
      12: 'Unlock',
      99: 'Other',
    },
  },
  3002: { ...iam, class_name: 'Authentication', activities: { 1: 'Logon', 2: 'Logoff' } },
  3004: {
    ...iam,
    class_name: 'Entity Management',
    activities: {
      1: 'Create',
      2: 'Read',
      3: 'Update',
      4: 'Delete',
      8: 'Enable',
      9: 'Disable',
      10: 'Activate',
      11: 'Deactivate',
      12: 'Suspend',
    },
  },
  3005: { ...iam, class_name: 'User Access Management', activities: { 1: 'Assign Privileges', 2: 'Revoke Privileges' } },
  6003: {
    category_uid: 6,
    category_name: 'Application Activity',
    class_name: 'API Activity',
    activities: { 99: 'Other' },
  },
} as const;

export type ClassUid = keyof typeof classes;
export type ActivityId<C extends ClassUid> = keyof (typeof classes)[C]['activities'];

export const severities = { 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical' } as const;
export type SeverityId = keyof typeof severities;
/** From this severity on a record is an alert. */
export const alertFrom: SeverityId = 4;

export const actions = { 1: 'Allowed', 2: 'Denied', 4: 'Modified' } as const;
export type ActionId = keyof typeof actions;
export const dispositions = {
  8: 'Approved',
  16: 'No Action',
  24: 'Access Revoked',
  25: 'Rejected',
  26: 'Unauthorized',
} as const;
export type DispositionId = keyof typeof dispositions;

export const statuses = { 1: 'Success', 2: 'Failure' } as const;
/** Findings have states instead of outcomes. */
export const findingStatuses = { 1: 'New', 3: 'Suppressed', 4: 'Resolved' } as const;

/** A person or a machine. */
export const userTypes = { 1: 'User', 4: 'Service' } as const;
