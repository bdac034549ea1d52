import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { Secret } from '../settings/secret.js';
import { createLog, logFact } from './logger.js';

const canary = 'canary-7f3a9c-"quoted"';
function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog({ service: 'intake', level: 'trace', secrets: [canary], write: (line) => void lines.push(line) }));
  return lines.join('');
}

describe('the log', () => {
  it('writes one JSON object a line', () => {
    expect(JSON.parse(logged((log) => log.info({ batch: 3 }, 'took a batch')))).toMatchObject({
      level: 'info',
      service: 'intake',
      batch: 3,
      msg: 'took a batch',
    });
  });
  it('names its service once, also where the engine names it', () => {
    const line = logged((log) => log.info({ service: 'intake', bus: 'embedded', err: new Error('away') }, 'started'));
    expect(line.match(/"service"/g)).toHaveLength(1);
    expect(JSON.parse(line)).toMatchObject({ service: 'intake', bus: 'embedded', err: { message: 'away' } });
  });
  it.each([
    ['a setting', (log: ReturnType<typeof createLog>) => log.info({ settings: { key: new Secret(canary) } }, 'x')],
    [
      'an error of a driver',
      (log: ReturnType<typeof createLog>) =>
        log.error({ err: new Error(`cannot connect to ${canary}`, { cause: new Error(canary) }) }, 'x'),
    ],
    ['a message', (log: ReturnType<typeof createLog>) => log.warn(`it was ${canary}`)],
    [
      'parameters that hang on an error',
      (log: ReturnType<typeof createLog>) => log.error({ err: Object.assign(new Error('x'), { parameters: [canary] }) }, 'x'),
    ],
    [
      'the header authorization',
      (log: ReturnType<typeof createLog>) => log.info({ headers: { authorization: 'Bearer canary-7f3a9c' } }, 'x'),
    ],
    [
      'the header readmit-proof',
      (log: ReturnType<typeof createLog>) => log.info({ req: { headers: { 'readmit-proof': 'canary-7f3a9c' } } }, 'x'),
    ],
  ])('never shows a secret that comes as %s', (_where, write) => {
    const line = logged(write);
    expect(line).not.toContain('canary-7f3a9c');
    expect(JSON.parse(line)).toMatchObject({ service: 'intake' });
  });
  it('shows what is no secret (control)', () => {
    expect(logged((log) => log.info({ headers: { 'x-request-id': 'req_1' } }, 'x'))).toContain('req_1');
  });
});

describe('a fact in the log', () => {
  it('shows its public fields; sensitive and unclassified ones never appear', () => {
    const fact = {
      id: '0190-1',
      type: 'readmit.evidence.added',
      at: '2026-11-22T10:00:00.000Z',
      data: { caseId: 'case_1', evidenceId: 'ev_1', kind: 'call-back', contact: 'canary-contact', invented: 'canary-invented' },
    } as unknown as Fact;
    expect(logFact(fact)).toEqual({
      id: '0190-1',
      type: 'readmit.evidence.added',
      at: '2026-11-22T10:00:00.000Z',
      data: { caseId: 'case_1', evidenceId: 'ev_1', kind: 'call-back' },
    });
    expect(logged((log) => log.info({ fact: logFact(fact) }, 'x'))).not.toContain('canary');
  });
});
