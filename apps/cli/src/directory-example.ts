/** What `readmit directory init` writes: every team that the policy that ships asks for, and no key, since a key that everybody has read is nobody's. */
export const directoryExample = `# yaml-language-server: $schema=directory.schema.json
version: 1
people:
  # One sign-in account. "human" is the same for all accounts of one person, who cannot approve their own request with another.
  - id: u-1001 # the claim sub of the access tokens, never a name or an address
    human: h-1
    name: Ada Lovelace # for editors of this file; not used elsewhere
    teams: [staff]
    authority: 0 # 0 to 9; the policy sets what a decision needs
    employment: employee # or vendor
    privileged: false # true: recovery of this person always requires the strictest tier
    keys: [] # for approvers: the line printed by readmit key create --for approver
    contacts: # for call-backs by the help desk, which need a phone or a mobile
      - { kind: phone, value: '+44 20 7946 0101' }
    accounts: # accounts at the targets: nothing else can be restored for this person
      - { connector: ledger, object: ada }
  - id: u-1002
    human: h-2
    name: Boris
    teams: [help-desk] # collects evidence
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
    teams: [system-owner, payroll-team] # approves privileged recoveries, and owns the machine below
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
    consumers: [] # per program that picks up the secret: the line printed by readmit key create --for consumer
# Privileged roles and groups. No rule uses this list yet: restoring any role or group is a privileged restoration.
privileged: []
`;
