import type { ServiceDefinition } from '@readmit/bus';
import type { Context, Facts } from '@readmit/domain';
import { classifyWork } from './outbound/classify-work.js';
import type { DirectoryPort } from './outbound/directory.js';
import type { ActivePolicy } from './outbound/policy-file.js';

const classifyId = (caseId: string): string => `${caseId}/classify`;

export const classificationDefinition = (directory: DirectoryPort, policy: ActivePolicy, salt: string): ServiceDefinition => ({
  name: 'classification',
  consumes: ['readmit.case.opened'],
  react: (facts: Facts, context: Context) => ({
    emit: [],
    work:
      facts.has('readmit.case.opened') && !context.work.has(classifyId(context.key))
        ? [
            {
              id: classifyId(context.key),
              kind: 'classify',
              connector: 'directory',
              object: context.key,
              notBefore: context.now,
              alsoKeys: [],
              input: {},
            },
          ]
        : [],
    wakeAt: null,
  }),
  work: { classify: classifyWork(directory, policy, salt) as unknown as ServiceDefinition['work'][string] },
  wakes: 'deadline',
});
