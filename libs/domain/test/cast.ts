/** The people, machines, keys and policy of the simulation. */
import { createHash, createHmac, createPublicKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Directory, Policy } from '@readmit/contracts';
import type { Crypto } from '../src/index.js';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
export const canonical = (value: unknown): string => canonicalize(value) ?? 'null';
export const pae = (type: string, text: string): Buffer =>
  Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${Buffer.byteLength(text)} ${text}`);
export const crypto: Crypto = {
  digest: (value) => sha256(canonical(value)),
  hmac: (key, text) => createHmac('sha256', key).update(text).digest('hex'),
  canonical,
  verify: (x, type, text, signature) =>
    verify(
      null,
      pae(type, text),
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
      Buffer.from(signature, 'base64url'),
    ),
};

/** The reason that people in specs give for an order. */
export const why = { reason: 'asked to', digest: 'd'.repeat(64) };

export const keys = new Map<string, { x: string; privateKey: KeyObject }>();
for (const id of ['boris', 'chidi', 'chidi-owner', 'dana', 'ada', 'ada-admin', 'pat', 'mallory']) {
  const pair = generateKeyPairSync('ed25519');
  keys.set(id, { x: String(pair.publicKey.export({ format: 'jwk' }).x), privateKey: pair.privateKey });
}
const person = (
  id: string,
  teams: string[],
  authority: number,
  more: Partial<Directory['people'][number]> = {},
): Directory['people'][number] => ({
  id,
  human: id,
  teams,
  authority,
  employment: 'employee',
  privileged: false,
  name: id,
  contacts: [{ kind: 'phone', value: `+44 20 ${id}` }],
  accounts: [{ connector: 'target', object: id }],
  keys: [{ kid: `${id}-key`, type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: keys.get(id)?.x ?? 'none' } }],
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
    person('ada-admin', ['security-oncall'], 5, { human: 'ada' }),
    person('erin', ['platform'], 3, { privileged: true }),
    person('pat', ['payroll-team'], 4),
    person('mallory', ['security-oncall'], 5, { employment: 'vendor' }),
  ],
  machines: [
    {
      id: 'svc-payroll',
      ownerTeam: 'payroll-team',
      connector: 'target',
      object: 'payroll',
      consumers: [{ id: 'payroll-app', key: recipient('payroll-app') }],
    },
  ],
  privileged: [],
};
export function recipient(id: string) {
  return {
    signing: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: `${id}-s` },
    sealing: { kty: 'OKP' as const, crv: 'X25519' as const, x: `${id}-e` },
    fingerprint: sha256(id),
  };
}
const part = (name: string) => ({ name, teams: [name], count: 1, authority: 4 });
const base = {
  verifiers: ['help-desk'],
  ticket: false,
  maxDurationSeconds: 3600,
  decideWithinSeconds: 600,
  executeWithinSeconds: 60,
  overlapSeconds: 120,
};
export const policy: Policy = {
  version: 'test-1',
  classes: {
    'mfa-recovery': {
      ...base,
      tier: 'agent-assisted',
      evidence: [{ kind: 'call-back', assurance: 2, maxAgeSeconds: 300 }],
      quorum: [part('security-oncall')],
    },
    'privileged-restoration': {
      ...base,
      tier: 'two-person',
      evidence: [{ kind: 'call-back', assurance: 2, maxAgeSeconds: 300 }],
      quorum: [part('security-oncall'), part('system-owner')],
    },
    'nhi-secret-restoration': {
      ...base,
      tier: 'two-person',
      evidence: [{ kind: 'owner-confirmation', assurance: 2, maxAgeSeconds: 300 }],
      quorum: [part('security-oncall'), part('system-owner')],
    },
  },
  privilegedSubject: { tier: 'two-person', quorum: [part('security-oncall'), part('system-owner')] },
  directoryMaxAgeSeconds: 3600,
};
