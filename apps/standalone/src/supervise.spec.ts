import { describe, expect, it } from '@jest/globals';
import { supervise, type Running, type Supervised } from './supervise.js';

/** A thing that ends when the test says so, on a clock of its own: waiting moves the clock and nothing else. */
class Stand {
  clock = 0;
  readonly lines: string[] = [];
  readonly givenUp: string[] = [];
  readonly things: Thing[] = [];
  /** Starts that fail, by their number from 1. */
  failing = new Set<number>();
  starts = 0;

  supervise(): Promise<Supervised<Thing>> {
    return supervise<Thing>({
      name: 'audit',
      start: async () => {
        this.starts += 1;
        if (this.failing.has(this.starts)) throw new Error('the port is taken\nand more');
        const thing = new Thing();
        this.things.push(thing);
        return thing;
      },
      log: (line) => this.lines.push(line),
      onGivenUp: (says) => this.givenUp.push(says),
      lastLines: async () => 'cannot read the key\n',
      now: () => this.clock,
      wait: async (milliseconds) => void (this.clock += milliseconds),
    });
  }
  /** Ends the one that runs and waits until the next one runs, or nobody starts one. */
  async end(how: string): Promise<void> {
    const before = this.things.length;
    this.things.at(-1)?.end(how);
    for (let turns = 0; turns < 1000 && this.things.length === before && this.givenUp.length === 0; turns++) await Promise.resolve();
  }
}

class Thing implements Running {
  stops = 0;
  end: (how: string) => void = () => undefined;
  readonly ended = new Promise<string>((resolve) => (this.end = resolve));
  async stop(): Promise<void> {
    this.stops += 1;
    this.end('exit code 0');
  }
}

describe('a supervised part', () => {
  it('R8.1 is started again when it ends by itself, later each time, and says so in one line', async () => {
    const stand = new Stand();
    const supervised = await stand.supervise();
    for (let times = 0; times < 7; times++) await stand.end('signal SIGKILL');
    expect(stand.lines).toEqual(
      ['0.2', '0.4', '0.8', '1.6', '3.2', '5', '5'].map(
        (pause) => `restarting audit in ${pause} s: it exited unexpectedly (signal SIGKILL)`,
      ),
    );
    expect(supervised.current()).toBe(stand.things[7]);
    expect(stand.givenUp).toEqual([]);
    await supervised.stop();
    expect(stand.things.map(({ stops }) => stops)).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it('begins with the short pause again when it stayed for a minute', async () => {
    const stand = new Stand();
    const supervised = await stand.supervise();
    await stand.end('exit code 1');
    await stand.end('exit code 1');
    stand.clock += 60_000;
    await stand.end('exit code 1');
    expect(stand.lines.at(-1)).toBe('restarting audit in 0.2 s: it exited unexpectedly (exit code 1)');
    await supervised.stop();
  });

  it('is given up after ten starts within a minute, with what it said last', async () => {
    const stand = new Stand();
    const supervised = await stand.supervise();
    for (let times = 0; times < 9; times++) await stand.end('exit code 1');
    expect(stand.givenUp).toEqual([]);
    await stand.end('exit code 78');
    expect(stand.givenUp).toEqual([
      'audit was started 10 times within a minute and exited each time (exit code 78): giving up. Its last output:\ncannot read the key',
    ]);
    expect(stand.starts).toBe(10);
    await supervised.stop();
  });

  it('counts a start that fails, and tries again', async () => {
    const stand = new Stand();
    stand.failing = new Set([2, 3]);
    const supervised = await stand.supervise();
    await stand.end('signal SIGKILL');
    expect(stand.lines).toEqual([
      'restarting audit in 0.2 s: it exited unexpectedly (signal SIGKILL)',
      'restarting audit in 0.4 s: it exited unexpectedly (it did not start: the port is taken)',
      'restarting audit in 0.8 s: it exited unexpectedly (it did not start: the port is taken)',
    ]);
    expect(supervised.current()).toBe(stand.things[1]);
    await supervised.stop();
  });

  it('leaves the failure of the first start to the caller', async () => {
    const stand = new Stand();
    stand.failing = new Set([1]);
    await expect(stand.supervise()).rejects.toThrow('the port is taken');
    expect(stand.starts).toBe(1);
  });

  it('is not started again when it ends because it was stopped', async () => {
    const stand = new Stand();
    const supervised = await stand.supervise();
    await Promise.all([supervised.stop(), supervised.stop()]);
    expect(stand.starts).toBe(1);
    expect(stand.lines).toEqual([]);
    expect(stand.things[0]?.stops).toBe(1);
  });

  it('is stopped also when the stop comes while it is started again', async () => {
    const things: Thing[] = [];
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let second: () => void = () => undefined;
    const secondBegan = new Promise<void>((resolve) => (second = resolve));
    const supervised = await supervise<Thing>({
      name: 'audit',
      start: async () => {
        if (things.length === 1) {
          second();
          await held;
        }
        things.push(new Thing());
        return things.at(-1) as Thing;
      },
      log: () => undefined,
      onGivenUp: () => undefined,
      lastLines: async () => '',
      wait: async () => undefined,
    });
    things[0]?.end('signal SIGKILL');
    await secondBegan;
    const stopped = supervised.stop();
    letGo();
    await stopped;
    expect(things.map(({ stops }) => stops)).toEqual([0, 1]);
  });
});
