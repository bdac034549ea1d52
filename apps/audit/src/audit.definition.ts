import { defineService } from '@readmit/runtime';
import { catalogue } from '@readmit/contracts';
import { auditProcess } from '@readmit/domain';

/** Its engine appends to a log, so it needs neither calls nor fact tables. */
export const auditDefinition = defineService(auditProcess(catalogue), { calls: {} });
