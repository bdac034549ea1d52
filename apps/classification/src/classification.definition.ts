import type { ServiceDefinition } from '@readmit/runtime';
import type { Fact } from '@readmit/contracts';
import { clockToleranceSeconds, instant, plusSeconds, type Context, type Facts, type WorkDraft } from '@readmit/domain';
import { attestWork, toAttest } from './outbound/attest-work.js';
import { saveCodes, type CodePort } from './outbound/case-codes.js';
import { classifyWork } from './outbound/classify-work.js';
import type { DirectoryPort } from './outbound/directory.js';
import type { ActivePolicy } from './outbound/policy-file.js';

/** Aggregate of what one person of the desk was shown within one hour of the clock: looks are counted an hour back, so no more of them need be read. */
const agentKey = (id: string, at: string): string => `agent:${id}:${at.slice(0, '2026-11-22T09'.length)}`;

const keysAt = (id: string, now: Date, seconds: readonly number[]): readonly string[] => [
  ...new Set(seconds.map((later) => agentKey(id, instant(plusSeconds(now, later))))),
];

/** The aggregates that a look at `now`, the time of the database, is counted by and kept in. */
export const lookKeys = (id: string, now: Date): readonly string[] => keysAt(id, now, [-3600, 0]);

/**
 * The aggregates to lock for a look about `now`, the clock of a process: every one that `lookKeys` may name for the clock of the database, which
 * is ahead or behind. One that is not locked reads as empty, so its looks would not count.
 */
export const agentKeys = (id: string, now: Date): readonly string[] =>
  keysAt(id, now, [-3600 - clockToleranceSeconds, -clockToleranceSeconds, clockToleranceSeconds]);

/** Looks at contact points are also kept with who looked, so that they are counted over all cases (R3.4). */
export function classificationKeys(fact: Fact): readonly string[] {
  switch (fact.type) {
    case 'readmit.contact.shown':
      return [fact.data.caseId, agentKey(fact.data.by, fact.at)];
    case 'readmit.policy.activated':
      return ['policy'];
    default:
      return 'caseId' in fact.data ? [fact.data.caseId] : [];
  }
}

/** Work on the directory for one case. Each has an object of its own: reading a directory excludes nobody. */
const workFor = (id: string, kind: string, input: WorkDraft['input'], { now }: Context): WorkDraft => ({
  id,
  kind,
  connector: 'directory',
  object: id,
  notBefore: now,
  alsoKeys: [],
  input,
});

function work(facts: Facts, context: Context): readonly WorkDraft[] {
  // An aggregate of an agent is no case: it only remembers.
  if (!facts.has('readmit.case.opened')) return [];
  const classify = `${context.key}/classify`;
  const wanted = facts.has('readmit.case.classified') ? toAttest(facts) : [];
  return [
    workFor(classify, 'classify', {}, context),
    ...wanted.map((fact) => workFor(`${context.key}/attest/${fact.id}`, 'attest', { person: fact.data.person }, context)),
  ].filter(({ id }) => !context.work.has(id));
}

export const classificationDefinition = (
  directory: DirectoryPort,
  policy: ActivePolicy,
  salt: string,
  codes: CodePort,
): ServiceDefinition => ({
  name: 'classification',
  consumes: ['readmit.case.opened', 'readmit.attestation.wanted'],
  keysOf: classificationKeys,
  react: (facts, context) => ({ emit: [], work: work(facts, context), wakeAt: null }),
  work: {
    classify: classifyWork(directory, policy, salt, codes),
    attest: attestWork(directory, policy),
  } as unknown as ServiceDefinition['work'],
  save: saveCodes,
  wakes: 'deadline',
});
