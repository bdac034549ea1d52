/** The targets file (docs/targets.md), for execution and for `readmit connector check`. */
import { closed, Id } from '@readmit/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Type } from 'typebox';
import type { CallLimits, ConnectorKind } from './connector-kind.js';
import type { Connector } from './connector.js';
import { connectorKinds } from './registry.js';

/** An entry of the file: its kind, the name that asks use, and the settings of its kind, with the least-privileged account that acts on it. */
export interface Target {
  readonly kind: string;
  readonly name: string;
}

/** By its kind alone: with a plain union an entry with one wrong field would be told what it lacks as an entry of every other kind. */
const Target = Type.Unsafe<Target>({
  type: 'object',
  required: ['kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: connectorKinds.map(({ kind, settings }) => closed({ kind: Type.Literal(kind), name: Id, ...settings })),
});
export const Targets = Type.Array(Target, { minItems: 1, maxItems: 50 });
export type Targets = readonly Target[];
const valid = new Ajv2020({ allErrors: true, strict: false, validateSchema: false, discriminator: true }).compile(Targets);

function kindOf({ kind }: Target): ConnectorKind {
  const found = connectorKinds.find((one) => one.kind === kind);
  if (!found) throw new Error(`this is a bug: the schema let ${kind} pass`);
  return found;
}

/** The name of an unknown field, which the message of Ajv lacks. */
const unknownField = ({ additionalProperty }: Readonly<Record<string, unknown>>): string =>
  typeof additionalProperty === 'string' ? `: ${additionalProperty.slice(0, 50)}` : '';

/**
 * The targets in the text of the file, and every secret in them. The whole file is secret: it holds the executors' passwords, and no error
 * repeats a value of it.
 * @throws {Error} what is wrong, as the end of a sentence about the file.
 */
export function targetsIn(text: string): { readonly targets: Targets; readonly secrets: readonly string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The message of JSON.parse quotes the text, which holds passwords.
    if (error instanceof SyntaxError) throw new Error('must name a JSON file with the target systems');
    throw error;
  }
  if (!valid(value)) {
    const errors = valid.errors ?? [];
    const what = errors.some(({ instancePath }) => instancePath === '') ? 'must name a JSON array of target systems' : 'has wrong entries';
    const where = errors
      .slice(0, 5)
      .map(({ instancePath, message = '', params }) => `${instancePath || '/'} ${message}${unknownField(params)}`);
    throw new Error(`${what}; ${where.join('; ')}`);
  }
  const targets = value as Targets;
  for (const target of targets) kindOf(target).mustBeSafe(target);
  const names = targets.map((target) => target.name);
  if (new Set(names).size < names.length) throw new Error('must give every target system a unique name');
  return { targets, secrets: targets.flatMap((target) => kindOf(target).secretsOf(target)).filter((secret) => secret !== '') };
}

export const openTarget = (target: Target, limits: CallLimits): Connector => kindOf(target).open(target, limits);
