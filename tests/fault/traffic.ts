import { until } from '@readmit/testing';
import { casesOf, drive, endEarly, enrol, makeLogins, open, type Recovery, type World } from './recoveries.js';

export interface Ended {
  readonly recovery: Recovery;
  /** What kept it from its success, if anything did: under faults an honest refusal is a right end. */
  readonly failed: string | undefined;
}

/**
 * Recoveries of roles, several at a time, as long as they are wanted, some of them ended early; beside them one bypass after the other,
 * which its person picks up and uses: the work in whose midst things die.
 */
export class Traffic {
  readonly recoveries: Recovery[] = [];
  readonly ended: Ended[] = [];
  private readonly world: World;
  private readonly logins: string[];
  private readonly people: string[];
  private readonly lives: () => string;
  private readonly onPerson: (person: string) => void;
  private wanted = true;
  private drivers: readonly Promise<void>[] = [];

  /** `logins` and `people`: one for each recovery at most; `lives`: how long the next grant is asked for; `onPerson`: whose bypass comes next. */
  constructor(
    world: World,
    {
      logins,
      people = [],
      lives,
      onPerson = () => undefined,
    }: {
      readonly logins: readonly string[];
      readonly people?: readonly string[];
      readonly lives: () => string;
      readonly onPerson?: (person: string) => void;
    },
  ) {
    this.world = world;
    this.logins = [...logins];
    this.people = [...people];
    this.onPerson = onPerson;
    this.lives = lives;
  }

  start(atOnce: number): void {
    this.drivers = [...Array.from({ length: atOnce }, () => this.roles()), this.bypasses()];
  }
  /** Begins nothing more; what is under way fails with the system that it runs on, and nobody asks. */
  quit(): void {
    this.wanted = false;
    void Promise.allSettled(this.drivers);
  }
  /** Begins nothing more, waits for those under way to be driven as far as people drive them, and takes back what came to nothing. */
  async stop(): Promise<void> {
    this.quit();
    await Promise.all(this.drivers);
    await Promise.all(this.ended.filter(({ failed }) => failed !== undefined).map(({ recovery }) => this.end(recovery)));
  }
  /** Whose case a login is. */
  caseOf(object: string): string | undefined {
    return this.recoveries.find((one) => one.object === object)?.caseId;
  }

  private async roles(): Promise<void> {
    for (let object = this.logins.shift(); this.wanted && object !== undefined; object = this.logins.shift()) {
      await this.recover({ kind: 'role', object, caseId: '' }, async (recovery) => {
        await makeLogins(this.world, [recovery.object]);
        await open(this.world, recovery, this.lives());
        await drive(this.world, recovery);
        if (this.recoveries.length % 3 === 0) await endEarly(this.world, recovery);
      });
    }
  }
  private async bypasses(): Promise<void> {
    for (let object = this.people.shift(); this.wanted && object !== undefined; object = this.people.shift()) {
      this.onPerson(object);
      await this.recover({ kind: 'bypass', object, caseId: '' }, async (recovery) => {
        await open(this.world, recovery, '90s');
        await drive(this.world, recovery);
        await enrol(this.world, recovery);
      });
    }
  }
  private async recover(recovery: Recovery, way: (recovery: Recovery) => Promise<void>): Promise<void> {
    this.recoveries.push(recovery);
    let failed: string | undefined;
    try {
      await way(recovery);
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
      await this.end(recovery);
    }
    this.ended.push({ recovery, failed });
  }

  /** What nobody drives any more is taken back, so that its case ends too, also one whose id was lost with the answer. */
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
      { what: `${cases.join(', ')} has ended`, timeoutMs: 60_000 },
    ).catch(() => undefined);
  }
}
