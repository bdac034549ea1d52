import type { Commands } from '@readmit/runtime';
import {
  gateWaitsFor,
  mayReadCase,
  planGranted,
  recipientsOf,
  refusal,
  draft,
  type Facts,
  type CommandRefusal,
  type SealedRow,
} from '@readmit/domain';
import { answer, refused, Serves, type AnswerOf, type Call } from '@readmit/service';
import type { Store } from '@readmit/store';
import { Controller, Inject } from '@nestjs/common';
import { sealedFor } from '../outbound/sealed.js';

export interface ExecutionPorts {
  readonly commands: Commands;
  readonly store: Store;
}
export const executionPorts = Symbol('ExecutionPorts');

const notReady = (): CommandRefusal =>
  refusal('not-ready', 'R8.1', 'not-ready', 'The case has not reached this service yet. Try again in a moment.');

@Controller()
export class ExecutionController {
  constructor(@Inject(executionPorts) private readonly ports: ExecutionPorts) {}

  @Serves('showPlan')
  async show(call: Call<'showPlan'>): Promise<AnswerOf<'showPlan'>> {
    const { caseId } = call.params;
    const facts = await this.ports.commands.facts(caseId);
    // The same response as for a case that does not exist: a stranger learns nothing.
    if (!call.actor || !mayReadCase(facts, call.actor)) throw refused(notReady());
    const planned = planGranted(facts) ?? facts.last('readmit.plan.proposed');
    const work = await this.ports.store.query<{
      id: string;
      kind: string;
      state: string;
      tries: number;
      not_before: Date;
      last_error: string | null;
    }>('SELECT id, kind, state, tries, not_before, last_error FROM work WHERE key = $1 ORDER BY id', [caseId]);
    return {
      caseId,
      plan: planned?.data.plan ?? null,
      planDigest: planned?.data.digest ?? null,
      waitsFor: facts.has('readmit.execution.started') || facts.has('readmit.execution.failed') ? [] : [...gateWaitsFor(facts)],
      work: work.map((row) => ({
        id: row.id,
        kind: row.kind,
        state: row.state,
        tries: row.tries,
        notBefore: row.not_before.toISOString(),
        ...(row.last_error === null ? {} : { lastError: row.last_error }),
      })),
      after: facts.first('readmit.execution.succeeded')?.data.after ?? [],
    };
  }

  @Serves('pickUpSecret')
  async pickUp(call: Call<'pickUpSecret'>): Promise<AnswerOf<'pickUpSecret'>> {
    const { caseId } = call.params;
    const recipient = await this.recipient(caseId, call.proof?.signing.x);
    const sealed = await sealedFor(this.ports.store, caseId, recipient.fingerprint);
    if (!sealed)
      throw refused(
        refusal(
          'not-found',
          'R2.6',
          'nothing-to-pick-up',
          'Nothing is sealed to this key: it was not granted yet, was already picked up and acknowledged, or has ended.',
        ),
      );
    return { caseId, jwe: sealed.jwe, ciphertextDigest: sealed.ciphertextDigest };
  }

  @Serves('acknowledgeSecret')
  async acknowledge(call: Call<'acknowledgeSecret'>): Promise<AnswerOf<'acknowledgeSecret'>> {
    const { caseId } = call.params;
    const recipient = await this.recipient(caseId, call.proof?.signing.x);
    const sealed = await sealedFor(this.ports.store, caseId, recipient.fingerprint);
    if (sealed?.ciphertextDigest !== call.body.ciphertextDigest)
      throw refused(
        refusal(
          'conflict',
          'R2.6',
          'ciphertext-unknown',
          'The secret sealed to this key is not the one that was picked up. Pick it up again.',
        ),
      );
    const rows: readonly SealedRow[] = [{ drop: { recipient: recipient.fingerprint } }];
    answer(
      await this.ports.commands.command({ key: caseId, name: 'acknowledge-secret', actor: recipient.id, rows }, () => ({
        emit: [
          draft('readmit.secret.picked-up', caseId, {
            caseId,
            recipient: recipient.fingerprint,
            ciphertextDigest: call.body.ciphertextDigest,
          }),
        ],
        reply: {},
      })),
    );
    return { caseId, acknowledged: true };
  }

  /** The recipient who proved possession of the key. A stranger's key gets the same response as a case that does not exist. */
  private async recipient(caseId: string, provenKey: string | undefined): Promise<{ id: string; fingerprint: string }> {
    const facts: Facts = await this.ports.commands.facts(caseId);
    const recipient = recipientsOf(facts).find((candidate) => candidate.key.signing.x === provenKey);
    if (!recipient) throw refused(refusal('not-found', 'R2.6', 'nothing-to-pick-up', 'Nothing is sealed to this key.'));
    return { id: recipient.id, fingerprint: recipient.key.fingerprint };
  }
}
