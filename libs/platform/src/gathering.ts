interface Added<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Natural batching of single items: the first is served at once, and what comes while it is served goes together next. No timer: an
 * idle service adds no delay, and a busy one shares its statements.
 */
export class Gathering<Item, Answer> {
  private added: Added<Item, Answer>[] = [];
  private serving: Promise<void> | undefined;
  private readonly most: number;
  private readonly serve: (items: readonly Item[]) => Promise<readonly Answer[]>;

  /** @param serve answers in the order of the items. Its failure is the failure of each. */
  constructor(most: number, serve: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.most = most;
    this.serve = serve;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.added.push({ item, resolve, reject });
      this.serving ??= this.run();
    });
  }

  private async run(): Promise<void> {
    // What the same turn of the event loop adds goes along.
    await Promise.resolve();
    while (this.added.length > 0) {
      const group = this.added.splice(0, this.most);
      try {
        const answers = await this.serve(group.map(({ item }) => item));
        if (answers.length !== group.length) throw new Error('this is a bug: not one answer for each item');
        group.forEach(({ resolve }, at) => resolve(answers[at] as Answer));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.serving = undefined;
  }
}
