import type { ServiceDefinition, WorkHandler } from '@readmit/runtime';
import { catalogue, eventTypes, type EventType } from '@readmit/contracts';
import { caseReact } from '@readmit/domain';
import { saveRows } from './outbound/rows.js';
import { noticeWork, type CodeOfCase, type NoticePort } from './outbound/notice.js';

/** Everything that is said about a case: intake keeps the ledger and the timeline. */
const ofCases = (type: EventType): boolean =>
  catalogue[type].producer !== 'intake' && 'caseId' in catalogue[type].fields && type !== 'readmit.audit.recorded';
const refusals = eventTypes.filter((type) => type.endsWith('.refused') && catalogue[type].producer !== 'intake');

/** What intake does slowly: tell people, and freeze what a signal of compromise is about. */
export interface IntakeOutside {
  readonly notices: NoticePort;
  readonly codeOf: CodeOfCase;
  readonly freeze: WorkHandler<'done'>;
}

export const intakeDefinition = ({ notices, codeOf, freeze }: IntakeOutside): ServiceDefinition => ({
  name: 'intake',
  consumes: [...eventTypes.filter(ofCases), ...refusals],
  react: caseReact,
  work: { notice: noticeWork(notices, codeOf), freeze } as unknown as ServiceDefinition['work'],
  save: saveRows,
  wakes: 'deadline',
});
