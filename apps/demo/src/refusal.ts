/** A request that the demo does not do, with the exact reason; rendered as a problem (RFC 9457). Never carries a secret. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    detail: string,
  ) {
    super(detail);
    this.name = 'Refusal';
  }
}
