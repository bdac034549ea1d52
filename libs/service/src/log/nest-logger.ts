import type { LoggerService } from '@nestjs/common';
import type { Log } from './logger.js';

/** Nest's own words as lines of our log. Its start-up chatter is `debug`. */
export class NestLog implements LoggerService {
  constructor(private readonly out: Log) {}
  log(message: unknown, ...more: unknown[]): void {
    this.out.debug({ from: more.at(-1) }, String(message));
  }
  debug(message: unknown, ...more: unknown[]): void {
    this.out.debug({ from: more.at(-1) }, String(message));
  }
  verbose(message: unknown, ...more: unknown[]): void {
    this.out.trace({ from: more.at(-1) }, String(message));
  }
  warn(message: unknown, ...more: unknown[]): void {
    this.out.warn({ from: more.at(-1) }, String(message));
  }
  error(message: unknown, ...more: unknown[]): void {
    this.out.error(
      message instanceof Error ? { err: message } : { from: more.at(-1) },
      message instanceof Error ? message.message : String(message),
    );
  }
  fatal(message: unknown, ...more: unknown[]): void {
    this.out.fatal({ from: more.at(-1) }, String(message));
  }
}
