import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../../contracts/samples/ocsf');
const read = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8')) as Record<string, unknown>;
const fileOf: Readonly<Record<number, string>> = {
  2004: 'detection_finding',
  3001: 'account_change',
  3002: 'authentication',
  3004: 'entity_management',
  3005: 'user_access',
  6003: 'api_activity',
};
const compiled = new Map<number, ValidateFunction>();

/** Errors of an event by the published OCSF schema of its class; empty if it is valid. */
export function ocsfFaults(event: unknown): readonly string[] {
  const uid = (event as { class_uid?: unknown } | null)?.class_uid;
  const file = typeof uid === 'number' ? fileOf[uid] : undefined;
  if (typeof uid !== 'number' || file === undefined)
    return [`/class_uid ${JSON.stringify(uid)} is not one of ${Object.keys(fileOf).join(', ')}`];
  let validate = compiled.get(uid);
  if (!validate) {
    validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, strictRequired: false }).compile(read(file));
    compiled.set(uid, validate);
  }
  if (validate(event)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const extra = (params as { additionalProperty?: string }).additionalProperty;
    return `${instancePath || '/'} ${message ?? 'is invalid'}${extra === undefined ? '' : `: ${extra}`}`;
  });
}

export interface OcsfCaptions {
  readonly class_name: string;
  readonly category_uid: number;
  readonly category_name: string;
  readonly activity_id: Readonly<Record<string, string>>;
  readonly severity_id: Readonly<Record<string, string>>;
  readonly status_id: Readonly<Record<string, string>>;
  readonly action_id: Readonly<Record<string, string>>;
  readonly disposition_id: Readonly<Record<string, string>>;
}
/** The captions of the numbers of each class in the published schema. */
export const ocsfCaptions = (): Readonly<Record<string, OcsfCaptions>> =>
  read('captions') as unknown as Readonly<Record<string, OcsfCaptions>>;
