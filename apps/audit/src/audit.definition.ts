import type { ServiceDefinition } from '@readmit/runtime';
import { entryOf, eventTypes } from '@readmit/contracts';

/** Audit hears everything that the others say and concludes nothing from it: its engine keeps a log instead of facts. */
export const auditDefinition: ServiceDefinition = {
  name: 'audit',
  consumes: eventTypes.filter((type) => entryOf(type).producer !== 'audit'),
  react: () => ({ emit: [] }),
  work: {},
  wakes: 'deadline',
};
