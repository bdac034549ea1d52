import { Type } from 'typebox';
import type { ServiceName } from './entry.js';
import { AggregateKey, closed, Id, Instant, oneOf, Text } from './values.js';

/** The kinds of events that every service has. */
export type CommonKind = 'refused' | 'deadline-set' | 'message-parked';

/** The events that every service has. Each service has its own wire type, so that a type has exactly one producer. */
export function everyService() {
  const refused = <S extends ServiceName>(producer: S, n: number) => ({
    producer,
    code: `RC-${n}90W`,
    label: 'refused',
    key: '{key}',
    version: 1 as const,
    schema: closed({ key: AggregateKey, command: Id, rule: Id, reason: Id, actor: Id, says: Text }),
    fields: { key: 'public', command: 'public', rule: 'public', reason: 'public', actor: 'public', says: 'public' } as const,
  });
  const deadlineSet = <S extends ServiceName>(producer: S, n: number) => ({
    producer,
    code: `RC-${n}91`,
    label: 'deadline set',
    key: '{key}',
    version: 1 as const,
    schema: closed({ key: AggregateKey, deadline: Type.Union([Instant, Type.Null()]) }),
    fields: { key: 'public', deadline: 'public' } as const,
  });
  const parked = <S extends ServiceName>(producer: S, n: number) => ({
    producer,
    code: `RC-${n}92W`,
    label: 'message parked',
    key: '{key}',
    version: 1 as const,
    schema: closed({
      key: AggregateKey,
      parkedId: Id,
      topic: Id,
      reason: Id,
      says: Text,
      action: oneOf(['parked', 'redriven', 'discarded'] as const),
      by: Type.Optional(Id),
    }),
    fields: {
      key: 'public',
      parkedId: 'public',
      topic: 'public',
      reason: 'public',
      says: 'public',
      action: 'public',
      by: 'public',
    } as const,
  });
  return {
    'readmit.intake.refused': refused('intake', 1),
    'readmit.intake.deadline-set': deadlineSet('intake', 1),
    'readmit.intake.message-parked': parked('intake', 1),
    'readmit.classification.refused': refused('classification', 2),
    'readmit.classification.deadline-set': deadlineSet('classification', 2),
    'readmit.classification.message-parked': parked('classification', 2),
    'readmit.execution.refused': refused('execution', 3),
    'readmit.execution.deadline-set': deadlineSet('execution', 3),
    'readmit.execution.message-parked': parked('execution', 3),
    'readmit.approval.refused': refused('approval', 4),
    'readmit.approval.deadline-set': deadlineSet('approval', 4),
    'readmit.approval.message-parked': parked('approval', 4),
    'readmit.revocation-scheduler.refused': refused('revocation-scheduler', 5),
    'readmit.revocation-scheduler.deadline-set': deadlineSet('revocation-scheduler', 5),
    'readmit.revocation-scheduler.message-parked': parked('revocation-scheduler', 5),
    'readmit.audit.refused': refused('audit', 6),
    'readmit.audit.deadline-set': deadlineSet('audit', 6),
    'readmit.audit.message-parked': parked('audit', 6),
  } as const;
}
