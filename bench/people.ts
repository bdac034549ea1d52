/** People of the benchmark: one verifier, one approver with a key, and as many subjects as it takes for their grants not to meet. */
import type { Decision, Directory, RecipientKey, Statement } from '@readmit/contracts';
import { decisionPayloadType } from '@readmit/domain';
import canonicalize from 'canonicalize';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { simulatedTarget } from './simulated-target.js';

const canonical = (value: unknown): string => canonicalize(value) ?? 'null';
export const digestOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex');

const keyPair = (curve: 'ed25519' | 'x25519'): { readonly x: string; readonly secret: KeyObject } => {
  const { publicKey, privateKey } = curve === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
  return { x: String(publicKey.export({ format: 'jwk' }).x), secret: privateKey };
};

export const verifier = 'boris';
export const approver = 'chidi';

export interface People {
  readonly directory: Directory;
  /** The requester's one-time key: one for all cases, because making keys is no part of the pipeline. */
  readonly caseKey: RecipientKey;
  subject(index: number): string;
  /** The approver's signed decision. */
  decide(about: Omit<Statement, 'v' | 'decision' | 'approver' | 'reason'>): Pick<Decision, 'statement' | 'proof'>;
}

export function makePeople(subjects: number): People {
  const key = keyPair('ed25519');
  const subject = (index: number): string => `person-${index % subjects}`;
  const person = (id: string, teams: string[], authority: number): Directory['people'][number] => ({
    id,
    human: id,
    teams,
    authority,
    employment: 'employee',
    privileged: false,
    name: id,
    contacts: [{ kind: 'phone', value: `+49 30 ${id}` }],
    accounts: [{ connector: simulatedTarget, object: id }],
    keys: id === approver ? [{ kid: 'chidi-1', type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: key.x } }] : [],
  });
  const signing = { kty: 'OKP' as const, crv: 'Ed25519' as const, x: keyPair('ed25519').x };
  const sealing = { kty: 'OKP' as const, crv: 'X25519' as const, x: keyPair('x25519').x };
  return {
    directory: {
      version: 1,
      issuedAt: new Date().toISOString(),
      people: [
        person(verifier, ['help-desk'], 2),
        person(approver, ['security-oncall'], 5),
        ...Array.from({ length: subjects }, (_, index) => person(subject(index), ['engineering'], 1)),
      ],
      machines: [],
      privileged: [],
    },
    caseKey: { signing, sealing, fingerprint: digestOf({ sealing, signing }) },
    subject,
    decide: (about) => {
      const statement: Statement = { v: 1, ...about, decision: 'approve', approver, reason: 'seen and right' };
      const text = canonical(statement);
      const pae = Buffer.from(`DSSEv1 ${decisionPayloadType.length} ${decisionPayloadType} ${Buffer.byteLength(text)} ${text}`);
      return { statement, proof: { type: 'software-key', kid: 'chidi-1', signature: sign(null, pae, key.secret).toString('base64url') } };
    },
  };
}
