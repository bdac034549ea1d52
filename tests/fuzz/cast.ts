/** People, machines, keys and the policy, which are the same in every run. */
import type { Directory, Policy, RecipientKey } from '@readmit/contracts';
import { decisionPayloadType } from '@readmit/domain';
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { engineCrypto as crypto } from '@readmit/signing';

export { crypto };
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The reason that people give for an order. */
export const why = { reason: 'asked to', digest: sha256('asked to') };

/** A private key derived from a name: a PKCS #8 prefix and 32 bytes. */
function keyOf(curve: 'Ed25519' | 'X25519', name: string): { readonly x: string; readonly key: KeyObject } {
  const prefix = curve === 'Ed25519' ? '302e020100300506032b657004220420' : '302e020100300506032b656e04220420';
  const seed = createHash('sha256').update(`${curve} ${name}`).digest();
  const key = createPrivateKey({ key: Buffer.concat([Buffer.from(prefix, 'hex'), seed]), format: 'der', type: 'pkcs8' });
  return { x: String(createPublicKey(key).export({ format: 'jwk' }).x), key };
}

export function recipient(name: string): RecipientKey {
  const signing = { kty: 'OKP' as const, crv: 'Ed25519' as const, x: keyOf('Ed25519', `${name} signs`).x };
  const sealing = { kty: 'OKP' as const, crv: 'X25519' as const, x: keyOf('X25519', `${name} opens`).x };
  return { signing, sealing, fingerprint: crypto.digest({ sealing, signing }) };
}

/** The key that opens what is sealed to that recipient. */
export const openerOf = (name: string): KeyObject => keyOf('X25519', `${name} opens`).key;

type DirectoryPerson = Directory['people'][number];
export const signer = (id: string): { readonly x: string; readonly key: KeyObject } => keyOf('Ed25519', `${id} decides`);
export const enrolled = (id: string): DirectoryPerson['keys'] => [
  { kid: `${id}-key`, type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: signer(id).x } },
];
const person = (id: string, teams: string[], authority: number, more: Partial<DirectoryPerson> = {}): DirectoryPerson => ({
  ...{ id, human: id, teams, authority, employment: 'employee', privileged: false, name: id, keys: enrolled(id) },
  contacts: [{ kind: 'phone', value: `+1 555 ${sha256(id).slice(0, 4)}` }],
  accounts: [{ connector: 'target', object: id }],
  ...more,
});

export const directory: Directory = {
  version: 1,
  issuedAt: '2026-11-22T08:00:00.000Z',
  people: [
    person('ada', ['engineering'], 1),
    person('boris', ['help-desk'], 2),
    person('chidi', ['security-oncall'], 5),
    person('dana', ['system-owner'], 5),
    person('erin', ['platform'], 3),
    person('pat', ['payroll-team'], 4),
    // The attacker: in the directory, but in no team that decides.
    person('mallory', ['engineering'], 1),
  ],
  machines: [
    {
      ...{ id: 'svc-payroll', ownerTeam: 'payroll-team', connector: 'target', object: 'payroll' },
      consumers: [{ id: 'payroll-app', key: recipient('payroll-app') }],
    },
  ],
  privileged: [],
};
export const directoryDigest = crypto.digest(directory);

const part = (name: string) => ({ name, teams: [name], count: 1, authority: 4 });
const rules = {
  ...{ verifiers: ['help-desk'], ticket: false, maxDurationSeconds: 3600 },
  ...{ decideWithinSeconds: 900, executeWithinSeconds: 120, overlapSeconds: 120 },
};
const both = [part('security-oncall'), part('system-owner')];
export const policy: Policy = {
  version: 'fuzz-1',
  classes: {
    'mfa-recovery': {
      ...rules,
      tier: 'agent-assisted',
      evidence: [{ kind: 'call-back', assurance: 2, maxAgeSeconds: 600 }],
      quorum: [part('security-oncall')],
    },
    'privileged-restoration': {
      ...rules,
      tier: 'two-person',
      evidence: [{ kind: 'call-back', assurance: 2, maxAgeSeconds: 600 }],
      quorum: both,
    },
    'nhi-secret-restoration': {
      ...rules,
      tier: 'two-person',
      evidence: [{ kind: 'owner-confirmation', assurance: 2, maxAgeSeconds: 600 }],
      quorum: both,
    },
  },
  privilegedSubject: { tier: 'two-person', quorum: both },
  directoryMaxAgeSeconds: 30 * 86_400,
};

/** The signature of a decision, like that of the approver's client. */
export function signedBy(id: string, statement: unknown): string {
  const text = Buffer.from(crypto.canonical(statement), 'utf8');
  const head = Buffer.from(`DSSEv1 ${Buffer.byteLength(decisionPayloadType)} ${decisionPayloadType} ${text.length} `, 'utf8');
  return sign(null, Buffer.concat([head, text]), signer(id).key).toString('base64url');
}
