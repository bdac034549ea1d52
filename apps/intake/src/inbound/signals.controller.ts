import { refused, Serves, unavailable, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';
import type { RefusedEvent, SignalRefusal } from '@readmit/contracts';
import type { CommandRefusal } from '@readmit/domain';
import type { SignalIntake } from '../usecases/signal-intake.js';
import { intakePorts, type IntakePorts } from './ports.js';

/** Signals over HTTP. The access token identifies the provider. */
@Controller()
export class SignalsController {
  private readonly signals: SignalIntake;

  constructor(@Inject(intakePorts) ports: IntakePorts) {
    this.signals = ports.signals;
  }

  @Serves('publishSignal')
  async publish(call: Call<'publishSignal'>): Promise<AnswerOf<'publishSignal'>> {
    // The edge has already refused clients that are not configured as a provider.
    const provider = call.actor?.clientId ?? 'unknown';
    const read = this.signals.read(call.event, { provider, binding: 'http' });
    if (!read.ok) throw refused(await this.onRecord(provider, read), read.reason === 'media-type' ? 415 : undefined);
    const recorded = await this.signals.record(read.signal);
    if (!('refused' in recorded)) return recorded;
    this.signals.counts.refused++;
    throw refused(recorded.refused);
  }

  /** A refusal is recorded before the response; if it cannot be recorded, the response is 503. */
  private async onRecord(provider: string, read: RefusedEvent): Promise<CommandRefusal> {
    try {
      return await this.signals.refuse(provider, read, forbidden.has(read.reason) ? 'forbidden' : 'invalid');
    } catch (error) {
      throw unavailable('audit-unavailable', 'The refusal could not be recorded. Try again.', error);
    }
  }
}

/** Reasons for which a well-formed signal is not allowed from this provider. */
const forbidden: ReadonlySet<SignalRefusal> = new Set(['foreign-source', 'unknown-provider']);
