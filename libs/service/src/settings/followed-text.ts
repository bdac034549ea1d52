/** Text of a file that may be replaced while the service runs. What the service goes by changes only when somebody takes it. */
export class FollowedText {
  constructor(
    private taken: string,
    private readonly readFile: () => string,
  ) {}

  get text(): string {
    return this.taken;
  }
  /** @throws {Error} the file cannot be read. */
  read(): string {
    return this.readFile();
  }
  take(text: string): void {
    this.taken = text;
  }
}
