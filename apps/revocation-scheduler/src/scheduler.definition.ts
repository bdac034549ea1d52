import { defineService } from '@readmit/runtime';
import { schedulerProcess } from '@readmit/domain';
import { saveReasons } from './outbound/order-reasons.js';
import { saveOverdue } from './outbound/overdue.js';
import { saveSubjectCases } from './outbound/subject-cases.js';

export const schedulerDefinition = defineService(schedulerProcess, {
  calls: {},
  async save(tx, changes) {
    // All queries are sent at once: none waits for another's result.
    await Promise.all([saveOverdue(tx, changes), saveReasons(tx, changes), saveSubjectCases(tx, changes)]);
  },
});
