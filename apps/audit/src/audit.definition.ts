import { defineService } from '@readmit/runtime';
import { catalogue } from '@readmit/contracts';
import { auditProcess } from '@readmit/domain';

/** Its engine logs what it consumes, so it needs neither calls nor tables of facts. */
export const auditDefinition = defineService(auditProcess(catalogue), { calls: {} });
