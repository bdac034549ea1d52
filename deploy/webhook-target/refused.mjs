/** Refused without a change. `code`: `not-found`, `refused`, `changed` (not as planned) or `unsupported`. */
export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
