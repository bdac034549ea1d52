import type { DirectoryPort } from '@readmit/signing';
import { defineService, type ServiceDefinition } from '@readmit/runtime';
import { classificationProcess, type ActivePolicy } from '@readmit/domain';
import { saveCodes, type CodePort } from './outbound/case-codes.js';

export const classificationDefinition = (
  directory: DirectoryPort,
  policy: ActivePolicy,
  salt: string,
  codes: CodePort,
): ServiceDefinition =>
  defineService(classificationProcess(policy, salt), {
    calls: {
      async classify(work, facts, signal) {
        const snapshot = await directory.read(signal);
        const opened = facts.first('readmit.case.opened');
        if (!opened) throw new Error(`this is a bug: ${work.id} has no opened case`);
        // The request and its key are recorded: only now may the code be drawn (R3.4).
        return { ...snapshot, code: await codes.draw(opened.data) };
      },
      attest: (_work, _facts, signal) => directory.read(signal),
    },
    save: saveCodes,
  });
