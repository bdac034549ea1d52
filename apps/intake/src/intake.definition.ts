import { defineService, type Call, type ServiceDefinition } from '@readmit/runtime';
import { intakeProcess } from '@readmit/domain';
import { sendNotice, type CodeOfCase, type NoticePort } from './outbound/notice.js';
import { saveRows } from './outbound/rows.js';

/** What intake does slowly: tell people, and freeze what a signal of compromise is about. */
export interface IntakeOutside {
  readonly notices: NoticePort;
  readonly codeOf: CodeOfCase;
  readonly freeze: Call<'done'>;
}

export const intakeDefinition = ({ notices, codeOf, freeze }: IntakeOutside): ServiceDefinition =>
  defineService(intakeProcess, { calls: { notice: sendNotice(notices, codeOf), freeze }, save: saveRows });
