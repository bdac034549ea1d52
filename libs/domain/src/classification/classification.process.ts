/** Classification: decides class, tier, ceiling and requirements of a case, and attests its people. */
import type { WorkDraft } from '../kernel/behaviour.js';
import type { ServiceProcess } from '../kernel/process.js';
import {
  classificationConsumes,
  classificationKeys,
  type ClassificationContext,
  type ClassificationEvents,
  type ClassificationFacts,
} from './classification.facts.js';
import { attestWork, toAttest } from './attest.work.js';
import { classifyWork, type DrawnCode } from './classify.work.js';
import type { DirectoryReading } from './directory-age.js';
import type { ActivePolicy } from './policy.commands.js';

/** Work on the directory for one case. Each has its own object, since reading a directory blocks nothing. */
const workFor = (id: string, kind: string, input: WorkDraft['input'], { now }: ClassificationContext): WorkDraft => ({
  id,
  kind,
  connector: 'directory',
  object: id,
  notBefore: now,
  alsoKeys: [],
  input,
});

function work(facts: ClassificationFacts, context: ClassificationContext): readonly WorkDraft[] {
  // The aggregate of an agent is not a case and has no work.
  if (!facts.has('readmit.case.opened')) return [];
  const classify = `${context.key}/classify`;
  const wanted = facts.has('readmit.case.classified') ? toAttest(facts) : [];
  return [
    workFor(classify, 'classify', {}, context),
    ...wanted.map((fact) => workFor(`${context.key}/attest/${fact.id}`, 'attest', { person: fact.data.person }, context)),
  ].filter(({ id }) => !context.work.has(id));
}

/** What the calls report: the directory, and for a new case its code. */
export type ClassificationReports = {
  readonly classify: DirectoryReading & { readonly code: DrawnCode };
  readonly attest: DirectoryReading;
};

/** `salt`: of contact digests. */
export const classificationProcess = (policy: ActivePolicy, salt: string): ServiceProcess<ClassificationReports, ClassificationEvents> => ({
  name: 'classification',
  consumes: classificationConsumes,
  keysOf: classificationKeys,
  react: (facts, context) => ({ emit: [], work: work(facts, context), wakeAt: null }),
  work: { classify: classifyWork(policy, salt), attest: attestWork(policy) },
  wakes: 'deadline',
});
