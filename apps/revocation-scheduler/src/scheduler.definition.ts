import { defineService } from '@readmit/runtime';
import { schedulerProcess } from '@readmit/domain';
import { saveWords } from './outbound/order-words.js';
import { saveOverdue } from './outbound/overdue.js';
import { saveSubjectCases } from './outbound/subject-cases.js';

export const schedulerDefinition = defineService(schedulerProcess, {
  calls: {},
  async save(tx, changes) {
    await saveOverdue(tx, changes);
    await saveWords(tx, changes);
    await saveSubjectCases(tx, changes);
  },
});
