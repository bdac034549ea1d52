import { Controller, Inject } from '@nestjs/common';
import { ProblemError, Serves, type AnswerOf, type Call } from '@readmit/service';
import type { Store } from '@readmit/store';
import { Readable } from 'node:stream';
import { checkpointUpTo } from '../outbound/log-store.js';
import { exportLines, type ExportOptions } from '../usecases/export-log.js';

export const logPorts = Symbol('logPorts');
export interface LogPorts {
  readonly store: Pick<Store, 'query'>;
  readonly export: ExportOptions;
}

/** Exports: checkpoints for anyone, the log for operators. */
@Controller()
export class LogController {
  constructor(@Inject(logPorts) private readonly ports: LogPorts) {}

  @Serves('checkpoint')
  async checkpoint(_call: Call<'checkpoint'>): Promise<AnswerOf<'checkpoint'>> {
    const latest = await checkpointUpTo(this.ports.store);
    if (!latest) throw new ProblemError(404, 'no-checkpoint-yet', 'The log has no entries yet, so there is no checkpoint.');
    return { size: latest.size, note: latest.note };
  }

  @Serves('exportLog')
  async exportLog({ query }: Call<'exportLog'>): Promise<AnswerOf<'exportLog'>> {
    return Readable.from(linesOf(exportLines(this.ports.store, this.ports.export, query.size)), {
      objectMode: false,
      highWaterMark: 64 * 1024,
    });
  }
}

/** Joins lines into chunks: one chunk per row would cost more than the row. */
async function* linesOf(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let text = '';
  for await (const line of lines) {
    text += `${line}\n`;
    if (text.length < 32 * 1024) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}
