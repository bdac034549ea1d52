import type { EventData, OpenCase } from '@readmit/contracts';
import { refusal, draft, type Command, type RecordedRefusal } from '../kernel/behaviour.js';
import { recipientKeyFault } from '../kernel/public-key.js';
import { blankReason } from '../kernel/blank-text.js';
import type { IntakeEvents } from './intake.facts.js';

export interface OpenInput {
  readonly body: OpenCase;
  /** The person who is signed in, if any. */
  readonly actor: string | undefined;
  /** Signing key whose possession the request has proved. */
  readonly provenKey: string | undefined;
  readonly reasonDigest: string;
}

/** Opens a case, only once for a repeated request. Without a sign-in the one-time key is the requester's only credential, so its possession must be proved. */
export const openCase =
  (input: OpenInput): Command<Record<never, never>, IntakeEvents> =>
  (facts, context) => {
    const { body, actor } = input;
    const key = body.caseKey;
    if (!actor && !key)
      return refusal(
        'invalid',
        'R2.6',
        'case-key-missing',
        'A request without a sign-in needs a one-time key (caseKey), the only credential for the case.',
      );
    const blank = blankReason(body.reason);
    if (blank) return blank;
    if (key) {
      if (input.provenKey !== key.signing.x)
        return refusal('forbidden', 'R2.6', 'case-key-unproven', 'Send a proof (readmit-proof) made with the signing key of caseKey.');
      if (context.crypto.digest({ sealing: key.sealing, signing: key.signing }) !== key.fingerprint)
        return refusal('invalid', 'R2.6', 'fingerprint-wrong', 'The fingerprint is not the SHA-256 of the JCS of {sealing, signing}.');
      // Otherwise it would only show when a secret is sealed to it, after the old one was destroyed.
      const fault = recipientKeyFault(key);
      if (fault !== undefined)
        return refusal('invalid', 'R2.6', 'case-key-malformed', `Nothing can be sealed to caseKey: ${fault}. Generate a new key pair.`);
    }
    const data: EventData<'readmit.case.opened'> = {
      caseId: context.key,
      asks: body.asks.map((ask, index) => ({ ...ask, id: `ask-${index + 1}` })),
      subject: body.subject,
      requester: actor ? { kind: 'person', id: actor } : { kind: 'anonymous' },
      reasonCode: body.reasonCode,
      reasonDigest: input.reasonDigest,
      durationSeconds: body.durationSeconds,
      ...(body.ticket === undefined ? {} : { ticket: body.ticket }),
      ...(key === undefined ? {} : { caseKey: key }),
    };
    const opened = facts.first('readmit.case.opened');
    if (!opened) return { emit: [draft('readmit.case.opened', context.key, data)], reply: {} };
    const asked = ({ reasonDigest: _, ...rest }: typeof data): string => context.crypto.digest(rest);
    // Without the reason, whose digest has a new salt each time.
    return asked(opened.data) === asked(data)
      ? { emit: [], reply: {} }
      : refusal('invalid', 'R8.3', 'idempotency-key-reused', 'This Idempotency-Key was used for another request. Send a new one.');
  };

/** Limit, so that wrong codes cannot make a case arbitrarily large. Later refusals are only in the log. */
const maxRecordedRefusals = 100;

/**
 * Records refusals with the case, so that its timeline shows who tried (R5.4). Intake consumes the refusals of other
 * services, not its own.
 */
export const recordingRefusal =
  <R>(
    { name, actor }: { readonly name: string; readonly actor: string },
    command: Command<R, IntakeEvents>,
  ): Command<R | RecordedRefusal, IntakeEvents> =>
  (facts, context) => {
    const result = command(facts, context);
    if (!result.refused || facts.of('readmit.intake.refused').length >= maxRecordedRefusals) return result;
    const { rule, reason, message } = result;
    const { key } = context;
    return {
      emit: [draft('readmit.intake.refused', key, { key, command: name, rule, reason, actor, says: message })],
      reply: { refusal: result },
    };
  };
