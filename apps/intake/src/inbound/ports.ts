import type { Commands } from '@readmit/runtime';
import type { AnswerOf } from '@readmit/service';
import type { SignalIntake } from '../usecases/signal-intake.js';
import type { Ledger } from '../outbound/ledger.js';
import type { OpenCases } from '../outbound/open-cases.js';

/** Dependencies of intake's controllers. */
export interface IntakePorts {
  readonly commands: Commands;
  readonly ledger: Ledger;
  readonly openCases: OpenCases;
  readonly signals: SignalIntake;
  readonly publicUrl: string;
  /** Where people sign in. */
  readonly signIn: AnswerOf<'signInWith'>;
  newId(prefix: string): string;
  now(): Date;
}
export const intakePorts = Symbol('IntakePorts');
