import type { Draft, EventData, Signal } from '@readmit/contracts';
import { refusal, draft, type Command, type Context, type WorkDraft } from '../kernel/behaviour.js';
import type { IntakeEvents } from './intake.facts.js';

/**
 * Names a signal by provider, source and the provider's id, so that a repeated signal is the same aggregate, whichever way
 * it arrives and whatever its subject is. One signal per aggregate: many signals of one provider make none of them large.
 */
export const signalIdOf = ({ provider, source, id }: Signal, digest: Context['crypto']['digest']): string =>
  `${provider}:${digest({ provider, source, id }).slice(0, 32)}`;
/** Kinds that mean that somebody else may have the account: open cases of the subject are frozen. A lockout changes nothing (R1.8). */
const freezing: ReadonlySet<Signal['kind']> = new Set(['credential-compromised', 'session-revoked']);
const freezeWorkId = (signalId: string): string => `${signalKey(signalId)}/freeze`;
export const signalKey = (signalId: string): string => `signal:${signalId}`;

/** A parked signal that an operator re-drives, as recorded with the signal. */
export interface Redriven {
  readonly parkedId: string;
  readonly by: string;
  readonly topic: string;
  readonly reason: string;
  readonly says: string;
}

/** Records a signal once, keyed by its subject. It opens nothing, because an attacker can cause it (R1.8). Freezing cases is work that follows (R6.4). */
export const publishSignal =
  (signal: Signal, signalId: string, redriven?: Redriven): Command<{ readonly repeated: boolean }, IntakeEvents> =>
  (facts, context) => {
    const { provider, kind, subject, occurredAt } = signal;
    const before = facts.first('readmit.signal.received');
    const same = before?.data.kind === kind && before.data.subject === subject && before.data.occurredAt === occurredAt;
    if (before && !same)
      return refusal(
        'conflict',
        'R8.3',
        'id-reused',
        'A signal with this source and id but different content is already recorded. Send the new one with a new id.',
      );
    const emit: Draft[] = [];
    if (!before) emit.push(draft('readmit.signal.received', `subject:${subject}`, { signalId, provider, kind, subject, occurredAt }));
    if (redriven && !facts.of('readmit.intake.message-parked').some((fact) => fact.data.parkedId === redriven.parkedId)) {
      const { parkedId, ...rest } = redriven;
      emit.push(draft('readmit.intake.message-parked', parkedId, { key: parkedId, parkedId, action: 'redriven', ...rest }));
    }
    const work: WorkDraft[] =
      before || !freezing.has(kind)
        ? []
        : [
            {
              id: freezeWorkId(signalId),
              kind: 'freeze',
              connector: 'cases',
              object: signalKey(signalId),
              notBefore: context.now,
              alsoKeys: [],
              input: {},
            },
          ];
    return { emit, work, reply: { repeated: before !== undefined } };
  };

/** Records once that a signal was parked. */
export const announceParked =
  (data: EventData<'readmit.intake.message-parked'>): Command<{ readonly repeated: boolean }, IntakeEvents> =>
  (facts) => {
    const repeated = facts.has('readmit.intake.message-parked');
    return { emit: repeated ? [] : [draft('readmit.intake.message-parked', data.key, data)], reply: { repeated } };
  };
