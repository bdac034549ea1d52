import { until } from '@readmit/testing';
import { drive, endEarly, makeLogins, open, type Recovery, type World } from './recoveries.js';

export interface Ended {
  readonly recovery: Recovery;
  /** What kept it from its success, if anything did: under faults an honest refusal is a right end. */
  readonly failed: string | undefined;
}

/** Recoveries of roles, several at a time, as long as they are wanted, some of them ended early: the work in whose midst things die. */
export class Traffic {
  readonly recoveries: Recovery[] = [];
  readonly ended: Ended[] = [];
  private readonly world: World;
  private readonly logins: string[];
  private readonly lives: () => string;
  private wanted = true;
  private drivers: readonly Promise<void>[] = [];

  /** `logins`: one for each recovery at most; `lives`: how long the next grant is asked for. */
  constructor(world: World, logins: readonly string[], lives: () => string) {
    this.world = world;
    this.logins = [...logins];
    this.lives = lives;
  }

  start(atOnce: number): void {
    this.drivers = Array.from({ length: atOnce }, () => this.go());
  }
  /** Begins nothing more and waits for those under way to be driven as far as people drive them. */
  async stop(): Promise<void> {
    this.wanted = false;
    await Promise.all(this.drivers);
  }
  /** Whose case a login is. */
  caseOf(object: string): string | undefined {
    return this.recoveries.find((one) => one.object === object)?.caseId;
  }

  private async go(): Promise<void> {
    for (let object = this.logins.shift(); this.wanted && object !== undefined; object = this.logins.shift()) {
      const recovery: Recovery = { kind: 'role', object, caseId: '' };
      this.recoveries.push(recovery);
      let failed: string | undefined;
      try {
        await makeLogins(this.world, [object]);
        await open(this.world, recovery, this.lives());
        await drive(this.world, recovery);
        if (this.recoveries.length % 3 === 0) await endEarly(this.world, recovery);
      } catch (error) {
        failed = error instanceof Error ? error.message : String(error);
        await this.end(recovery);
      }
      this.ended.push({ recovery, failed });
    }
  }

  /** What nobody drives any more is taken back, so that its case ends too. */
  private async end({ caseId }: Recovery): Promise<void> {
    if (caseId === '') return;
    const closed = async (): Promise<boolean> => (await this.world.witness.of(caseId)).some(({ type }) => type === 'readmit.case.closed');
    await until(
      async () => {
        if (await closed()) return true;
        await this.world.stage.cli('erin', ['case', 'withdraw', caseId], { quiet: true });
        return closed();
      },
      { what: `${caseId} has ended`, timeoutMs: 60_000 },
    ).catch(() => undefined);
  }
}
