import { until } from '@readmit/testing';
import { casesOf, drive, endEarly, enrol, makeLogins, open, type Recovery, type World } from './recoveries.js';

export interface Ended {
  readonly recovery: Recovery;
  /** The reason why it did not succeed, if so: under faults a refusal is a valid end. */
  readonly failed: string | undefined;
}

/**
 * Traffic during which processes are killed: recoveries of roles, several at a time, some of them ended early, and at the same time one bypass
 * after another, which its person picks up and uses.
 */
export class Traffic {
  readonly recoveries: Recovery[] = [];
  readonly ended: Ended[] = [];
  private readonly world: World;
  private readonly logins: string[];
  private readonly people: string[];
  private readonly duration: () => string;
  private readonly onPerson: (person: string) => void;
  private running = true;
  private drivers: readonly Promise<void>[] = [];

  /** `logins` and `people`: at most one for each recovery; `duration`: of the next grant; `onPerson`: called with the person of the next bypass. */
  constructor(
    world: World,
    {
      logins,
      people = [],
      duration,
      onPerson = () => undefined,
    }: {
      readonly logins: readonly string[];
      readonly people?: readonly string[];
      readonly duration: () => string;
      readonly onPerson?: (person: string) => void;
    },
  ) {
    this.world = world;
    this.logins = [...logins];
    this.people = [...people];
    this.onPerson = onPerson;
    this.duration = duration;
  }

  start(atOnce: number): void {
    this.drivers = [...Array.from({ length: atOnce }, () => this.roles()), this.bypasses()];
  }
  /** Starts nothing more; errors of recoveries in progress are ignored. */
  quit(): void {
    this.running = false;
    void Promise.allSettled(this.drivers);
  }
  /** Starts nothing more, waits until people have done their part in recoveries in progress, and withdraws those that failed. */
  async stop(): Promise<void> {
    this.quit();
    await Promise.all(this.drivers);
    await Promise.all(this.ended.filter(({ failed }) => failed !== undefined).map(({ recovery }) => this.end(recovery)));
  }
  /** The case of a login. */
  caseOf(object: string): string | undefined {
    return this.recoveries.find((one) => one.object === object)?.caseId;
  }

  private async roles(): Promise<void> {
    for (let object = this.logins.shift(); this.running && object !== undefined; object = this.logins.shift()) {
      await this.recover({ kind: 'role', object, caseId: '' }, async (recovery) => {
        await makeLogins(this.world, [recovery.object]);
        await open(this.world, recovery, this.duration());
        await drive(this.world, recovery);
        if (this.recoveries.length % 3 === 0) await endEarly(this.world, recovery);
      });
    }
  }
  private async bypasses(): Promise<void> {
    for (let object = this.people.shift(); this.running && object !== undefined; object = this.people.shift()) {
      this.onPerson(object);
      await this.recover({ kind: 'bypass', object, caseId: '' }, async (recovery) => {
        await open(this.world, recovery, '90s');
        await drive(this.world, recovery);
        await enrol(this.world, recovery);
      });
    }
  }
  private async recover(recovery: Recovery, steps: (recovery: Recovery) => Promise<void>): Promise<void> {
    this.recoveries.push(recovery);
    let failed: string | undefined;
    try {
      await steps(recovery);
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
      await this.end(recovery);
    }
    this.ended.push({ recovery, failed });
  }

  /** Withdraws a recovery that nobody continues, so that its case ends, even if its id was lost with the response. */
  private async end(recovery: Recovery): Promise<void> {
    const { witness, stage } = this.world;
    const cases = await casesOf(this.world, recovery);
    recovery.caseId ||= cases[0] ?? '';
    const persona = recovery.kind === 'bypass' ? recovery.object : 'erin';
    const open = async (): Promise<readonly string[]> => (await witness.openCases()).filter((caseId) => cases.includes(caseId));
    await until(
      async () => {
        for (const caseId of await open()) await stage.cli(persona, ['case', 'withdraw', caseId], { quiet: true });
        return (await open()).length === 0;
      },
      { what: `${cases.join(', ')} has ended` },
    ).catch(() => undefined);
  }
}
