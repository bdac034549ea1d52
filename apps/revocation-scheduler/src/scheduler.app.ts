import { serviceApp } from '@readmit/service';
import { ObligationsController, schedulerPorts, type SchedulerPorts } from './inbound/obligations.controller.js';
import { readReasons } from './outbound/order-reasons.js';
import { overdueFigures, overdueNow } from './outbound/overdue.js';
import { openCasesOf } from './outbound/subject-cases.js';
import { schedulerDefinition } from './scheduler.definition.js';

export const schedulerApp = serviceApp({
  name: 'revocation-scheduler',
  area: 'revocation',
  settings: {},
  async build({ settings, store, commands, now }) {
    const ports: SchedulerPorts = {
      commands,
      publicUrl: settings.READMIT_PUBLIC_URL,
      now,
      reasons: (caseId) => readReasons(store, caseId),
      overdue: () => overdueNow(store),
      openCases: (subject) => openCasesOf(store, subject),
    };
    return {
      definition: schedulerDefinition,
      controllers: [ObligationsController],
      providers: [{ provide: schedulerPorts, useValue: ports }],
      figures: overdueFigures(store),
    };
  },
});
