import type { EvidenceNeed, EvidenceRef, FactOf } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';

type Evidence = FactOf<'readmit.evidence.added'>;

/** Evidence that is not stale at `now` (half-open: stale from `staleAt` on). */
export const fresh = (evidence: readonly Evidence[], now: Date): readonly Evidence[] =>
  evidence.filter((item) => Date.parse(item.data.staleAt) > now.getTime());

/** Which needs are met by fresh evidence. One proof meets only one need: a call-back does not count twice. */
export function needsMet(
  needs: readonly EvidenceNeed[],
  evidence: readonly Evidence[],
  now: Date,
): readonly { need: EvidenceNeed; met: boolean }[] {
  const left = [...fresh(evidence, now)];
  return needs.map((need) => {
    const index = left.findIndex(
      ({ data }) =>
        data.kind === need.kind &&
        data.assurance >= need.assurance &&
        now.getTime() - Date.parse(data.collectedAt) < need.maxAgeSeconds * 1000,
    );
    if (index < 0) return { need, met: false };
    left.splice(index, 1);
    return { need, met: true };
  });
}

/** Until when the evidence meets every need, `end` at the latest; undefined: it does not meet them now. */
export function metUntil(needs: readonly EvidenceNeed[], evidence: readonly Evidence[], now: Date, end: Date): Date | undefined {
  const met = (at: Date): boolean => needsMet(needs, evidence, at).every((one) => one.met);
  if (!met(now)) return undefined;
  const ages = evidence.flatMap(({ data }) => [
    Date.parse(data.staleAt),
    ...needs.filter(({ kind }) => kind === data.kind).map((need) => Date.parse(data.collectedAt) + need.maxAgeSeconds * 1000),
  ]);
  const lost = ages.sort((a, b) => a - b).find((at) => at > now.getTime() && at < end.getTime() && !met(new Date(at)));
  return lost === undefined ? end : new Date(lost);
}

export const refsOf = (evidence: readonly Evidence[]): EvidenceRef[] =>
  evidence.map((item) => ({ id: item.data.evidenceId, digest: item.data.digest })).sort((a, b) => (a.id < b.id ? -1 : 1));

/** What a decision is bound to: every proof of the case, by id and digest, in the order of ids. */
export const evidenceDigest = (refs: readonly EvidenceRef[], crypto: Crypto): string =>
  crypto.digest([...refs].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, digest }) => ({ id, digest })));

/**
 * The code that is read out on a call-back (R3.4): the first 8 hex digits of HMAC-SHA-256(nonce, fingerprint) in two groups.
 * The nonce is generated after the request has fixed its key, so nobody can search for a second key with the same code.
 */
export const codeOf = (nonce: string, fingerprint: string, crypto: Pick<Crypto, 'hmac'>): string => {
  const digits = crypto.hmac(nonce, fingerprint);
  return `${digits.slice(0, 4)}-${digits.slice(4, 8)}`;
};

/** Everything that the digest of a proof covers, so that people can recompute it (R4.10). */
export interface ProofContent {
  readonly kind: Evidence['data']['kind'];
  readonly channel: Evidence['data']['channel'];
  readonly assurance: number;
  /** Free text; stays with approval and can be erased. */
  readonly note: string;
  readonly contact?: string | undefined;
  readonly code?: string | undefined;
  readonly by: string;
  readonly at: string;
  /** Without it a short note could be guessed from the digest. */
  readonly salt: string;
}

/** SHA-256 of the JCS of the proof with its note, who collected it and when. */
export const proofDigest = ({ kind, channel, assurance, note, contact, code, by, at, salt }: ProofContent, crypto: Crypto): string =>
  crypto.digest({
    kind,
    channel,
    assurance,
    note,
    ...(contact === undefined ? {} : { contact }),
    ...(code === undefined ? {} : { code }),
    by,
    at,
    salt,
  });

/** What the digest of a recorded proof covers: the fact, with the note that approval stores. */
export const proofContentOf = (
  { kind, channel, assurance, contact, code, collectedBy, collectedAt }: Evidence['data'],
  { note, salt }: Pick<ProofContent, 'note' | 'salt'>,
): ProofContent => ({ kind, channel, assurance, note, contact, code, by: collectedBy, at: collectedAt, salt });
