/** Audit: consumes every event of the other services and emits nothing from rules; its engine writes a log instead of facts. */
import type { CatalogueEntry, EventType } from '@readmit/contracts';
import type { ServiceProcess } from '../kernel/process.js';

export const auditProcess = (
  catalogue: Readonly<Record<EventType, Pick<CatalogueEntry, 'producer'>>>,
): ServiceProcess<Record<never, never>> => ({
  name: 'audit',
  consumes: (Object.keys(catalogue) as EventType[]).filter((type) => catalogue[type].producer !== 'audit'),
  react: () => ({ emit: [] }),
  work: {},
  wakes: 'deadline',
});
