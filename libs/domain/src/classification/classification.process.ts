/** Classification: gives a case its class, tier, ceiling and requirements, and attests who its people are. */
import type { Fact } from '@readmit/contracts';
import type { Context, WorkDraft } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import type { ServiceProcess } from '../kernel/process.js';
import { attestWork, toAttest } from './attest.work.js';
import { classifyWork, type DrawnCode } from './classify.work.js';
import { agentKey } from './contact.commands.js';
import type { DirectoryReading } from './directory-age.js';
import type { ActivePolicy } from './policy.commands.js';

const consumes = ['readmit.case.opened', 'readmit.attestation.wanted'] as const;

/** Looks at contact points are also kept with who looked, so that they are counted over all cases (R3.4). */
function keysOf(fact: Fact): readonly string[] {
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
  // An aggregate of an agent is no case: it has no work.
  if (!facts.has('readmit.case.opened')) return [];
  const classify = `${context.key}/classify`;
  const wanted = facts.has('readmit.case.classified') ? toAttest(facts) : [];
  return [
    workFor(classify, 'classify', {}, context),
    ...wanted.map((fact) => workFor(`${context.key}/attest/${fact.id}`, 'attest', { person: fact.data.person }, context)),
  ].filter(({ id }) => !context.work.has(id));
}

/** What the calls of classification report: the directory, and with the case its code. */
export type ClassificationReports = {
  readonly classify: DirectoryReading & { readonly code: DrawnCode };
  readonly attest: DirectoryReading;
};

/** `salt`: of contact digests. */
export const classificationProcess = (policy: ActivePolicy, salt: string): ServiceProcess<ClassificationReports> => ({
  name: 'classification',
  consumes,
  keysOf,
  react: (facts, context) => ({ emit: [], work: work(facts, context), wakeAt: null }),
  work: { classify: classifyWork(policy, salt), attest: attestWork(policy) },
  wakes: 'deadline',
});
