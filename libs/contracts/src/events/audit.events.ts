/** Events of audit. */
import { Type } from 'typebox';
import type { CatalogueEntry } from './entry.js';
import { Id, Text, closed } from './values.js';

export const auditEvents = {
  'readmit.audit.recorded': {
    producer: 'audit',
    key: '{caseId}',
    code: 'RC-6001',
    label: 'recorded in the log',
    version: 1,
    schema: closed({ caseId: Id, eventId: Id, type: Id, index: Type.Integer({ minimum: 0 }) }),
    fields: { caseId: 'public', eventId: 'public', type: 'public', index: 'public' },
  },
  'readmit.checkpoint.signed': {
    producer: 'audit',
    key: 'log',
    code: 'RC-6002',
    label: 'checkpoint signed',
    version: 1,
    schema: closed({ size: Type.Integer({ minimum: 1 }), note: Type.String({ maxLength: 4096 }) }),
    fields: { size: 'public', note: 'public' },
  },
  'readmit.violation.found': {
    producer: 'audit',
    key: '{caseId}',
    code: 'RC-6003',
    label: 'violation found',
    version: 1,
    schema: closed({ caseId: Id, rule: Id, says: Text }),
    fields: { caseId: 'public', rule: 'public', says: 'public' },
  },
} as const satisfies Record<string, CatalogueEntry>;
