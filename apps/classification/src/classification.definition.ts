import { defineService, type ServiceDefinition } from '@readmit/runtime';
import { classificationProcess, type ActivePolicy } from '@readmit/domain';
import type { EventData } from '@readmit/contracts';
import { saveCodes, type CodePort } from './outbound/case-codes.js';
import type { CaseDirectory } from './outbound/case-directory.js';

/** Subject first. */
export const partiesOf = ({ subject, requester }: EventData<'readmit.case.opened'>): readonly string[] => [
  subject.id,
  ...(requester.id === undefined ? [] : [requester.id]),
];

export const classificationDefinition = (
  directory: CaseDirectory,
  policy: ActivePolicy,
  salt: string,
  codes: CodePort,
): ServiceDefinition =>
  defineService(classificationProcess(policy, salt), {
    calls: {
      async classify(work, facts, signal) {
        const opened = facts.first('readmit.case.opened');
        if (!opened) throw new Error(`this is a bug: ${work.id} has no opened case`);
        const snapshot = await directory.read({ parties: partiesOf(opened.data), others: [] }, signal);
        // The request and its key are recorded: only now may the code be drawn (R3.4).
        return { ...snapshot, code: await codes.draw(opened.data) };
      },
      attest(work, facts, signal) {
        const opened = facts.first('readmit.case.opened');
        if (!opened) throw new Error(`this is a bug: ${work.id} has no opened case`);
        return directory.read({ parties: partiesOf(opened.data), others: [String(work.input['person'])] }, signal);
      },
    },
    save: saveCodes,
  });
