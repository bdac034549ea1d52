import { defineService, type Call, type ServiceDefinition } from '@readmit/runtime';
import { intakeProcess } from '@readmit/domain';
import { sendNotice, type CodeOfCase, type NoticeChannel, type NoticePort } from './outbound/notice.js';
import { saveRows } from './outbound/rows.js';

/** Intake's slow work: sending notices, and freezing the cases that a signal of compromise is about. */
export interface IntakeOutside {
  readonly notices: NoticePort;
  readonly codeOf: CodeOfCase;
  readonly freeze: Call<'done'>;
  readonly saveNotices?: NoticeChannel['save'];
}

export const intakeDefinition = ({ notices, codeOf, freeze, saveNotices }: IntakeOutside): ServiceDefinition =>
  defineService(intakeProcess, {
    calls: { notice: sendNotice(notices, codeOf), freeze },
    async save(tx, changes) {
      await Promise.all([saveRows(tx, changes), saveNotices?.(tx, changes)]);
    },
  });
