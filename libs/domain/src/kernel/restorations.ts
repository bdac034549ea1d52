/**
 * Everything that Readmit can restore: one row for each kind of ask, step and undo. Classification, ceilings, plans, holds,
 * obligations, SIEM records and the CLI read these rows. A new kind is a name in `@readmit/contracts` (values.ts) and a row
 * here, which the compiler demands.
 */
import type { AskKind, Capability, CaseClass, StepKind, UndoKind } from '@readmit/contracts';

/** Record for SIEMs. `access`: User Access Management (3005); otherwise the activity of Account Change (3001) and whose account it is. */
export type OcsfRow =
  'access' | { readonly account: 'person' | 'machine'; readonly activity: 4 | 10 | 11 | 12 | 99; readonly activityName?: string };

export interface AskRow {
  /** The least strict class of a case with this ask (R1.2). The subject may raise it, never lower it (R1.3, R1.5). */
  readonly class: CaseClass;
  /** Set where the ask is a privileged restoration for an account that is privileged or unknown: the reason, for people. */
  readonly ifPrivileged?: string;
  /** Row of docs/requirements.md that decides the class. */
  readonly rule: 'R1.3' | 'R1.4' | 'R1.5';
  /** Why it has that class, for people: part of classification's reason. */
  readonly why: string;
  /** Set where the ask must name an entitlement: what that is called. */
  readonly entitlement?: 'role' | 'group';
  /** What a plan may do for it, in addition to the steps that go with every ask (R2.2). */
  readonly steps: readonly StepKind[];
  /** Record for events that identify a hold by the kind of ask; absent where they name the entitlement. */
  readonly ocsf?: Exclude<OcsfRow, 'access'>;
}

export interface StepRow {
  /** Classes whose plans may have it, whatever a policy says (R2.1). */
  readonly classes: readonly CaseClass[];
  /** Gives nothing, only ends what is in use: goes with every ask and is not recorded as given. */
  readonly withEveryAsk?: true;
  /** Must name exactly the requested entitlement; otherwise it may be about the whole account. */
  readonly ofEntitlement?: true;
  /** Whose key its secret is sealed to (R2.6); absent: it creates no secret. */
  readonly sealedTo?: 'case' | 'consumers';
  /** Capability that a connector needs for it (R5.6). */
  readonly needs?: Capability;
  /** What reverses it; absent: it gives nothing that could be revoked. */
  readonly undo?: UndoKind;
  readonly ocsf?: OcsfRow;
}

export interface UndoRow {
  /** `step`: reverses one step. `ask`: removes what was enrolled through the case at the requested object. */
  readonly of: 'step' | 'ask';
  /** Whether several cases may hold the same at once, so that the last one ends it, or only one ever may (R6.5). */
  readonly holds: 'nothing' | 'shared' | 'exclusive';
  /** The target names the object (a login), so it is found by the hold; otherwise it is the object of the step. */
  readonly objectOfTarget?: true;
  /**
   * What ends it early, apart from people and failures (R6.2). `enrolment`: a new factor was enrolled, so the grant was
   * used. `take-over`: it replaces something; once every consumer uses the new one, the old one is due and the new one
   * stays. Until then both may be valid, for at most the policy's overlap. Ending the case early keeps the new one.
   */
  readonly endsOn?: 'enrolment' | 'take-over';
  readonly ocsf: OcsfRow;
}

const authentication: readonly CaseClass[] = ['mfa-recovery', 'privileged-restoration'];
const mfaRecovery = { class: 'mfa-recovery', rule: 'R1.3', why: 'gives a person a way to sign in again and nothing more' } as const;
const power = { class: 'privileged-restoration', rule: 'R1.3', why: 'it gives standing power back, not a device' } as const;
/** Also the reason for a subject that is a machine, whatever is asked for. */
export const whyMachine = 'a machine that lost access is never an MFA recovery';
const machine = {
  class: 'nhi-secret-restoration',
  rule: 'R1.5',
  why: whyMachine,
  steps: ['secret.issue'],
  ocsf: { account: 'machine', activity: 4 },
} as const;

export const askTable: Readonly<Record<AskKind, AskRow>> = {
  'factor.replace': { ...mfaRecovery, steps: ['factor.remove', 'account.unlock'], ocsf: { account: 'person', activity: 11 } },
  'factor.bypass': { ...mfaRecovery, steps: ['bypass.issue', 'account.unlock'], ocsf: { account: 'person', activity: 10 } },
  'factor.reset': {
    ...mfaRecovery,
    steps: ['factor.remove', 'bypass.issue', 'account.unlock'],
    ocsf: { account: 'person', activity: 11 },
  },
  'backup-method.activate': { ...mfaRecovery, steps: ['bypass.issue'], ocsf: { account: 'person', activity: 10 } },
  'account.unlock': {
    ...mfaRecovery,
    ifPrivileged: 'Unlocking an account that is privileged, or not known not to be',
    steps: ['account.unlock'],
    ocsf: { account: 'person', activity: 12 },
  },
  'role.restore': { ...power, entitlement: 'role', steps: ['role.grant'] },
  'group.restore': { ...power, entitlement: 'group', steps: ['role.grant'] },
  'breakglass.activate': {
    ...power,
    rule: 'R1.4',
    why: 'the access path decides, not who owns the account',
    steps: ['bypass.issue', 'role.grant'],
  },
  'secret.rotate': machine,
  'secret.reissue': machine,
};

export const stepTable: Readonly<Record<StepKind, StepRow>> = {
  'factor.remove': { classes: authentication, ocsf: { account: 'person', activity: 11 } },
  'sessions.end': { classes: authentication, withEveryAsk: true, needs: 'end-sessions' },
  'account.unlock': { classes: authentication, ocsf: { account: 'person', activity: 12 } },
  'bypass.issue': {
    classes: authentication,
    needs: 'one-time-credential',
    sealedTo: 'case',
    undo: 'bypass.close',
    ocsf: { account: 'person', activity: 10 },
  },
  'role.grant': { classes: ['privileged-restoration'], ofEntitlement: true, undo: 'role.revoke', ocsf: 'access' },
  'secret.issue': {
    classes: ['nhi-secret-restoration'],
    sealedTo: 'consumers',
    undo: 'secret.destroy',
    ocsf: { account: 'machine', activity: 4 },
  },
};

export const undoTable: Readonly<Record<UndoKind, UndoRow>> = {
  // No hold: a bypass belongs to the one case that it was issued for.
  'bypass.close': { of: 'step', holds: 'nothing', endsOn: 'enrolment', ocsf: { account: 'person', activity: 11 } },
  'role.revoke': { of: 'step', holds: 'shared', ocsf: 'access' },
  'secret.destroy': {
    of: 'step',
    holds: 'exclusive',
    objectOfTarget: true,
    endsOn: 'take-over',
    // OCSF 1.8.0 has no activity for the end of a machine's credential.
    ocsf: { account: 'machine', activity: 99, activityName: 'Credential Revoke' },
  },
  'enrolment.withdraw': { of: 'ask', holds: 'nothing', ocsf: { account: 'person', activity: 11 } },
};

/** What a class may ever do. A policy may remove steps, never add any (R2.1). */
export const stepsOfClass = (caseClass: CaseClass): readonly StepKind[] =>
  (Object.keys(stepTable) as StepKind[]).filter((kind) => stepTable[kind].classes.includes(caseClass));

/** Whether a plan may have the step for the ask (R2.2). */
export const stepServesAsk = (step: StepKind, ask: AskKind): boolean =>
  stepTable[step].withEveryAsk === true || askTable[ask].steps.includes(step);

/** Whether only one case at a time may hold it: the case that created it (R6.5). */
export const isExclusive = ({ kind }: { readonly kind: StepKind | UndoKind }): boolean => {
  const undo = isStep(kind) ? stepTable[kind].undo : kind;
  return undo !== undefined && undoTable[undo].holds === 'exclusive';
};
const isStep = (kind: StepKind | UndoKind): kind is StepKind => Object.hasOwn(stepTable, kind);

/** Whether the ask needs the account exclusively, so that a second case about it is refused (R6.5). */
export const claimsAccount = ({ kind }: { readonly kind: AskKind }): boolean =>
  askTable[kind].steps.some((step) => isExclusive({ kind: step }));

/** Whether the undo makes a sealed secret useless. */
export const voidsSecret = ({ kind }: { readonly kind: UndoKind }): boolean =>
  Object.values(stepTable).some(({ undo, sealedTo }) => undo === kind && sealedTo !== undefined);

/** Whether it seals a secret to the case key, so that it cannot be planned without one (R2.6). */
export const needsCaseKey = ({ kind }: { readonly kind: AskKind }): boolean =>
  askTable[kind].steps.some((step) => stepTable[step].sealedTo === 'case');
