/** A builder for each OCSF class, so that a mapping without a required attribute does not compile. */
import type { OcsfActor, OcsfPolicy, OcsfUser } from './event.js';
import { userTypes, type ActionId, type ActivityId, type ClassUid, type DispositionId, type SeverityId } from './vocabulary.js';

export type Status =
  | { readonly status_id: 1 }
  | { readonly status_id: 2; readonly status_code: string; readonly status_detail?: string }
  /** Neither: started, or withdrawn. */
  | { readonly status_id: 99; readonly status: string };
export const success: Status = { status_id: 1 };
export const failure = (code: string, detail?: string): Status => ({
  status_id: 2,
  status_code: code,
  ...(detail === undefined ? {} : { status_detail: detail }),
});

export const other = (status: string): Status => ({ status_id: 99, status });

/** Decision about access: the profile security_control. */
export interface Control {
  readonly action_id: ActionId;
  readonly disposition_id: DispositionId;
}
export const approved: Control = { action_id: 1, disposition_id: 8 };
export const rejected: Control = { action_id: 2, disposition_id: 25 };
export const unauthorized: Control = { action_id: 2, disposition_id: 26 };
export const revoked: Control = { action_id: 4, disposition_id: 24 };
export const noAction: Control = { action_id: 4, disposition_id: 16 };

/** Attributes that a mapping may set for any class. */
export interface About {
  readonly severity_id: SeverityId;
  readonly status?: Status;
  readonly control?: Control;
  /** Who did it, if it is not the actor of the leaf. */
  readonly by?: OcsfUser;
  /** Policy that the event names: part of the profile security_control. */
  readonly policy?: OcsfPolicy;
  /** What the class has no attribute for. */
  readonly unmapped?: Readonly<Record<string, unknown>>;
}
/** Result of a mapping: the class, and the attributes of that class. */
export interface Mapped extends About {
  readonly class_uid: ClassUid;
  readonly activity_id: number;
  readonly activity_name?: string;
  readonly finding_status_id?: 1 | 3 | 4;
  /** Attributes for who did it and whose it is: not every class has `actor` or `user`. */
  readonly attributes: (actor: OcsfActor, subject?: OcsfUser) => Readonly<Record<string, unknown>>;
}

export const user = (uid: string, type_id?: keyof typeof userTypes, domain?: string): OcsfUser => ({
  uid,
  ...(type_id === undefined ? {} : { type_id, type: userTypes[type_id] }),
  ...(domain === undefined ? {} : { domain }),
});
export const policy = (uid: string, version?: string): OcsfPolicy => ({
  uid,
  name: 'Readmit policy',
  ...(version === undefined ? {} : { version }),
});

/** 3001. */
export const accountChange = (
  activity_id: ActivityId<3001>,
  account: OcsfUser,
  about: About & { readonly activity_name?: string; readonly auth_factors?: readonly object[] },
): Mapped => {
  const { auth_factors, ...rest } = about;
  return {
    ...rest,
    class_uid: 3001,
    activity_id,
    attributes: (actor) => ({ actor, user: account, ...(auth_factors === undefined ? {} : { auth_factors }) }),
  };
};

/** 3002. */
export const authentication = (activity_id: ActivityId<3002>, account: OcsfUser, service: string, about: About): Mapped => ({
  ...about,
  class_uid: 3002,
  activity_id,
  attributes: (actor) => ({ actor, user: account, service: { name: service, uid: service } }),
});

export interface Entity {
  /** What it is, in terms of the glossary. */
  readonly type: string;
  readonly uid: string;
  readonly version?: string;
  /** Whose account it is about. */
  readonly user?: OcsfUser;
  readonly data?: Readonly<Record<string, unknown>>;
}
/** 3004. Type 99, because OCSF has no number for the parts of a recovery. */
export const entity = (activity_id: ActivityId<3004>, managed: Entity, about: About): Mapped => ({
  ...about,
  class_uid: 3004,
  activity_id,
  attributes: (actor, subject) => ({ actor, entity: { type_id: 99, ...(subject === undefined ? {} : { user: subject }), ...managed } }),
});
/** 3004 about a policy, for which OCSF has a number. */
export const policyEntity = (activity_id: ActivityId<3004>, managed: OcsfPolicy, about: About): Mapped => ({
  ...about,
  class_uid: 3004,
  activity_id,
  attributes: (actor) => ({ actor, entity: { type_id: 5, type: 'Policy', uid: managed.uid, policy: managed } }),
});

/** 3005. */
export const userAccess = (
  activity_id: ActivityId<3005>,
  account: OcsfUser,
  privileges: readonly string[],
  target: string,
  about: About,
): Mapped => ({
  ...about,
  class_uid: 3005,
  activity_id,
  attributes: (actor) => ({ actor, user: account, privileges, resources: [{ uid: target, type: 'Target', role_id: 1, role: 'Target' }] }),
});

/** The case, or what the key names otherwise. */
const keyed = (uid: string, subject: OcsfUser | undefined): object =>
  subject === undefined ? { uid } : { uid, type: 'Recovery Case', owner: subject };

/** 6003. The class requires an address, which is not recorded. */
export const apiActivity = (operation: string, service: string, resource: string, about: About): Mapped => ({
  ...about,
  class_uid: 6003,
  activity_id: 99,
  activity_name: operation,
  attributes: (actor, subject) => ({
    actor,
    api: { operation, service: { name: service } },
    src_endpoint: { name: 'not recorded', type_id: 0, type: 'Unknown' },
    resources: [keyed(resource, subject)],
  }),
});

export interface FindingInfo {
  readonly uid: string;
  readonly title: string;
  readonly desc: string;
  /** The rule that found it. */
  readonly rule: string;
}
/** 2004. The records that open and close a finding have the same uid. */
export const finding = (
  state: 'opened' | 'resolved' | 'suppressed',
  { rule, ...info }: FindingInfo,
  about: About & { readonly resource: string },
): Mapped => {
  const { resource, ...rest } = about;
  return {
    ...rest,
    class_uid: 2004,
    activity_id: state === 'opened' ? 1 : 3,
    finding_status_id: state === 'opened' ? 1 : state === 'resolved' ? 4 : 3,
    attributes: (actor, subject) => ({
      finding_info: { ...info, analytic: { name: rule, type_id: 1, type: 'Rule' } },
      resources: [keyed(resource, subject)],
      evidences: [{ actor }],
    }),
  };
};
