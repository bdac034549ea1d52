import { entryOf, type Fact } from '@readmit/contracts';
import { pino, type Logger } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly service: string;
  readonly level: string;
  /** Texts that are replaced by `[secret]` wherever they would appear. */
  readonly secrets: readonly string[];
  /** Where lines go; standard output unless a test says otherwise. */
  readonly write?: (line: string) => void;
}

const credentialHeaders = ['authorization', 'readmit-proof', 'cookie', 'proxy-authorization'] as const;
const paths = credentialHeaders.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`, `*.*.*["${name}"]`]);

/**
 * JSON lines with two nets against secrets: credential headers are redacted by name, and the texts of every secret setting
 * by value, because a driver's error message may quote a connection URL under any name.
 */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  // Longest first: a password inside a URL must not leave half the URL behind.
  const secrets = options.secrets.map((text) => JSON.stringify(text).slice(1, -1)).sort((a, b) => b.length - a.length);
  const scrub = (line: string) => secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line);
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      // The engine names its service as well, and an object with one name twice is read differently by different readers.
      formatters: { level: (label) => ({ level: label }), log: ({ service: _, ...fields }) => fields },
      redact: { paths, censor: '[secret]' },
      serializers: { err: plainError },
    },
    { write: (line: string) => write(scrub(line)) },
  );
}

/** Type, message, code and stack alone: drivers hang parameters and rows on their errors. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error.cause === undefined ? {} : { cause: plainError(error.cause) }),
  };
}

/** What a log may say of a fact: only the fields that the catalogue classifies as public. A field without a class is secret. */
export function logFact(fact: Fact): Readonly<Record<string, unknown>> {
  const { fields } = entryOf(fact.type);
  const shown = Object.entries(fact.data).filter(([name]) => Object.hasOwn(fields, name) && fields[name] === 'public');
  return { id: fact.id, type: fact.type, at: fact.at, data: Object.fromEntries(shown) };
}
