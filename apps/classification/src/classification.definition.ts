import type { ServiceDefinition, WorkHandler } from '@readmit/bus';
import type { Fact, FactOf } from '@readmit/contracts';
import type { Context, Facts, WorkDraft } from '@readmit/domain';
import { attestWork, toAttest } from './outbound/attest-work.js';
import { saveCodes, type CodePort } from './outbound/case-codes.js';
import { classifyWork } from './outbound/classify-work.js';
import type { DirectoryPort } from './outbound/directory.js';
import type { ActivePolicy } from './outbound/policy-file.js';

/** Aggregate of what one person of the desk was shown. */
export const agentKey = (id: string): string => `agent:${id}`;

/** Looks at contact points are also kept with who looked, so that they are counted over all cases (R3.4). */
export function classificationKeys(fact: Fact): readonly string[] {
  switch (fact.type) {
    case 'readmit.contact.shown':
      return [fact.data.caseId, agentKey(fact.data.by)];
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
  const opened = facts.of('readmit.case.opened').find(({ data }) => data.caseId === context.key);
  if (!opened) return [];
  const classify = `${context.key}/classify`;
  const wanted = facts.has('readmit.case.classified') ? toAttest(facts) : [];
  return [
    workFor(classify, 'classify', {}, context),
    ...wanted.map((fact: FactOf<'readmit.attestation.wanted'>) =>
      workFor(`${context.key}/attest/${fact.id}`, 'attest', { person: fact.data.person }, context),
    ),
  ].filter(({ id }) => !context.work.has(id));
}

const any = (handler: unknown): WorkHandler<never> => handler as WorkHandler<never>;

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
  work: { classify: any(classifyWork(directory, policy, salt, codes)), attest: any(attestWork(directory, policy)) },
  save: saveCodes,
  wakes: 'deadline',
});
