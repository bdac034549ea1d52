/** People of the benchmark: one verifier, one approver with a key, and as many subjects as it takes for their grants not to meet. */
import type { Decision, Directory, RecipientKey, Statement } from '@readmit/contracts';
import { decisionPayloadType } from '@readmit/domain';
import canonicalize from 'canonicalize';
import { createHash, createPrivateKey, generateKeyPairSync, sign, type JsonWebKey } from 'node:crypto';
import { simulatedTarget } from './simulated-target.js';

const canonical = (value: unknown): string => canonicalize(value) ?? 'null';
export const digestOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex');

/** As plain data: processes of one benchmark share them. The requester's secrets are used by nobody. */
export interface PeopleKeys {
  readonly approver: JsonWebKey;
  readonly signing: string;
  readonly sealing: string;
}
export function makePeopleKeys(): PeopleKeys {
  const publicOf = (key: JsonWebKey): string => String(key.x);
  return {
    approver: generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
    signing: publicOf(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })),
    sealing: publicOf(generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })),
  };
}

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

export function makePeople(subjects: number, keys: PeopleKeys = makePeopleKeys()): People {
  const secret = createPrivateKey({ key: keys.approver, format: 'jwk' });
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
    keys:
      id === approver ? [{ kid: 'chidi-1', type: 'software-key', key: { kty: 'OKP', crv: 'Ed25519', x: String(keys.approver.x) } }] : [],
  });
  const signing = { kty: 'OKP' as const, crv: 'Ed25519' as const, x: keys.signing };
  const sealing = { kty: 'OKP' as const, crv: 'X25519' as const, x: keys.sealing };
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
      return { statement, proof: { type: 'software-key', kid: 'chidi-1', signature: sign(null, pae, secret).toString('base64url') } };
    },
  };
}
