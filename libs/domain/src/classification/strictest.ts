import type { ClassPolicy, EvidenceNeed, QuorumPart } from '@readmit/contracts';
import { tierOrder } from './tiers.js';

/**
 * Requirements of a request of several classes, `main` being the strictest: every proof and every seat of each, and the
 * shortest of each time. Requesting more never removes a proof or lengthens a grant (R1.6).
 */
export const strictest = (main: ClassPolicy, others: readonly ClassPolicy[]): ClassPolicy =>
  others.reduce<ClassPolicy>(
    (one, other) => ({
      tier: tierOrder(other.tier) > tierOrder(one.tier) ? other.tier : one.tier,
      evidence: joinNeeds(one.evidence, other.evidence),
      verifiers: shared(one.verifiers, other.verifiers) ?? one.verifiers,
      quorum: joinQuorums(one.quorum, other.quorum),
      ticket: one.ticket || other.ticket,
      maxDurationSeconds: Math.min(one.maxDurationSeconds, other.maxDurationSeconds),
      decideWithinSeconds: Math.min(one.decideWithinSeconds, other.decideWithinSeconds),
      executeWithinSeconds: Math.min(one.executeWithinSeconds, other.executeWithinSeconds),
      overlapSeconds: one.overlapSeconds,
    }),
    main,
  );

/** Every part of both. Parts of the same name are merged into one that satisfies both; if they have no team in common, both stay. */
export function joinQuorums(quorum: readonly QuorumPart[], more: readonly QuorumPart[]): QuorumPart[] {
  const joined = [...quorum];
  for (const part of more) {
    const place = joined.findIndex(({ name }) => name === part.name);
    const has = joined[place];
    const teams = has && shared(has.teams, part.teams);
    if (!has || !teams) joined.push(part);
    else
      joined[place] = {
        name: part.name,
        teams,
        count: Math.max(has.count, part.count),
        authority: Math.max(has.authority, part.authority),
      };
  }
  return joined;
}

/** How many people a quorum needs. */
export const seatsOf = (quorum: readonly QuorumPart[]): number => quorum.reduce((sum, part) => sum + part.count, 0);

/** Every proof of both. One that both require is required once, as strictly as the stricter one. */
function joinNeeds(needs: readonly EvidenceNeed[], more: readonly EvidenceNeed[]): EvidenceNeed[] {
  const joined = [...needs];
  const left = new Set(needs.keys());
  for (const need of more) {
    const place = [...left].find((index) => joined[index]?.kind === need.kind);
    const has = place === undefined ? undefined : joined[place];
    if (place === undefined || !has) {
      joined.push(need);
      continue;
    }
    left.delete(place);
    joined[place] = {
      kind: need.kind,
      assurance: Math.max(has.assurance, need.assurance),
      maxAgeSeconds: Math.min(has.maxAgeSeconds, need.maxAgeSeconds),
    };
  }
  return joined;
}

/** What both have; `undefined` if that is nothing. */
function shared(some: readonly string[], others: readonly string[]): string[] | undefined {
  const both = some.filter((name) => others.includes(name));
  return both.length > 0 ? both : undefined;
}
