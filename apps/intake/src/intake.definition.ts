import type { ServiceDefinition } from '@readmit/bus';
import { catalogue, eventTypes, type EventType } from '@readmit/contracts';
import { caseReact } from '@readmit/domain';
import { saveRows } from './outbound/rows.js';
import { noticeWork, type NoticePort } from './outbound/notice.js';

/** Everything that is said about a case: intake keeps the ledger and the timeline. */
const ofCases = (type: EventType): boolean =>
  catalogue[type].producer !== 'intake' && 'caseId' in catalogue[type].fields && type !== 'readmit.audit.recorded';
const refusals = eventTypes.filter((type) => type.endsWith('.refused') && catalogue[type].producer !== 'intake');

export const intakeDefinition = (notices: NoticePort): ServiceDefinition => ({
  name: 'intake',
  consumes: [...eventTypes.filter(ofCases), ...refusals],
  react: caseReact,
  work: { notice: noticeWork(notices) as unknown as ServiceDefinition['work'][string] },
  save: saveRows,
  wakes: 'deadline',
});
