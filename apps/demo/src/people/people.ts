import { randomUUID } from 'node:crypto';
import { Refusal } from '../refusal.js';
import type { JsonFile } from '../state/json-file.js';
import type { Account } from './account.js';

/** Everything about people, by account id. */
export type PeopleState = Record<string, Account>;

/** The account that is always there and never anybody's: who cannot see its factor, session and bypass cannot trust an empty answer. */
export const canaryId = 'demo-canary';

/** The accounts with one writer each at a time: everything that changes an account runs in `exclusive`. */
export class People {
  private readonly lanes = new Map<string, Promise<unknown>>();

  constructor(
    private readonly state: JsonFile<PeopleState>,
    readonly clock: () => Date,
  ) {}

  find(id: string): Account | undefined {
    return Object.hasOwn(this.state.value, id) ? this.state.value[id] : undefined;
  }

  byUsername(username: string): Account | undefined {
    return Object.values(this.state.value).find((each) => each.username === username);
  }

  all(): readonly Account[] {
    return Object.values(this.state.value);
  }

  /** Runs `change` alone on the account and answers when it is on disk, also when it throws: a refused try is a change too. */
  async exclusive<R>(id: string, change: (account: Account) => Promise<R> | R): Promise<R> {
    const account = this.find(id);
    if (!account) throw new Refusal(404, 'person-not-found', 'no person has this id');
    const before = this.lanes.get(id) ?? Promise.resolve();
    const run = before.then(async () => {
      try {
        return await change(account);
      } finally {
        await this.state.save();
      }
    });
    this.lanes.set(
      id,
      run.catch(() => undefined), // the caller of `run` has the error; the lane only waits
    );
    return run;
  }

  newId(prefix: string): string {
    return `${prefix}-${randomUUID()}`;
  }
}
