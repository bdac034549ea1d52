import { defineService } from '@readmit/runtime';
import { schedulerProcess } from '@readmit/domain';
import { saveWords } from './outbound/order-words.js';
import { saveOverdue } from './outbound/overdue.js';
import { saveSubjectCases } from './outbound/subject-cases.js';

export const schedulerDefinition = defineService(schedulerProcess, {
  calls: {},
  async save(tx, changes) {
    // Sent together: none waits for the answer of another.
    await Promise.all([saveOverdue(tx, changes), saveWords(tx, changes), saveSubjectCases(tx, changes)]);
  },
});
