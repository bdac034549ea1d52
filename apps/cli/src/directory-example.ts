/** What `readmit directory init` writes: every team that the policy that ships asks for, and no key, since a key that everybody has read is nobody's. */
export const directoryExample = `# yaml-language-server: $schema=directory.schema.json
version: 1
people:
  # An account at which she signs in. "human" is the same for all accounts of one human: nobody approves for herself with another.
  - id: u-1001 # the claim sub of her access tokens, never a name or an address
    human: h-1
    name: Ada Lovelace # for whoever edits this file; it goes nowhere
    teams: [staff]
    authority: 0 # 0 to 9; the policy says what a decision needs
    employment: employee # or vendor
    privileged: false # true: her own recovery always takes the strictest tier
    keys: [] # of approvers: the line that readmit key create --for approver prints
    contacts: # where the desk calls her back; a call-back needs a phone or a mobile
      - { kind: phone, value: '+44 20 7946 0101' }
    accounts: # what is hers at the targets: nothing else is restored for her
      - { connector: ledger, object: ada }
  - id: u-1002
    human: h-2
    name: Boris
    teams: [help-desk] # collects proofs
    authority: 2
    employment: employee
    privileged: false
    keys: []
    contacts: [{ kind: phone, value: '+44 20 7946 0102' }]
    accounts: []
  - id: u-1003
    human: h-3
    name: Chidi
    teams: [security-oncall] # approves
    authority: 5
    employment: employee
    privileged: false
    keys: [] # - { kid: chidi-2026, type: software-key, key: { kty: OKP, crv: Ed25519, x: ... } }
    contacts: [{ kind: phone, value: '+44 20 7946 0103' }]
    accounts: []
  - id: u-1004
    human: h-4
    name: Dana
    teams: [system-owner, payroll-team] # approves privileged recoveries, and answers for the machine below
    authority: 5
    employment: employee
    privileged: false
    keys: []
    contacts: [{ kind: phone, value: '+44 20 7946 0104' }]
    accounts: []
machines:
  - id: svc-payroll
    ownerTeam: payroll-team
    connector: ledger
    object: payroll # its account in READMIT_TARGETS_FILE
    consumers: [] # of each program that picks up the secret: the line that readmit key create --for consumer prints
# Roles and groups that give power. No rule reads it yet: restoring any role or group is a privileged restoration.
privileged: []
`;
