/** Ids of the people and machines in specs and the demo. */
export const personas = {
  /** Lost a phone: mfa-recovery. */
  ada: 'ada',
  /** Had an admin role: privileged-restoration. */
  erin: 'erin',
  /** A service account: nhi-secret-restoration. */
  payroll: 'svc-payroll',
  /** Help-desk agent, collects evidence as verifier. */
  boris: 'boris',
  /** Approver of group security-oncall. */
  chidi: 'chidi',
  /** Approver of group system-owner. */
  dana: 'dana',
  /** The attacker. */
  mallory: 'mallory',
} as const;
