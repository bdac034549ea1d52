/**
 * Events that a thief signs with the key of one service: only of that service's types, with data that match the schemas, made of values from
 * events in the run and of random ones. It knows no rules: useful forgeries are found by chance.
 */
import { catalogue, entryOf, eventTypes, type EventType, type Fact, type ServiceName } from '@readmit/contracts';
import { schemaViolation } from '@readmit/signing';
import { pick } from '../fault/random.js';
import type { Published } from './installation.js';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

/** Fields with the id of another event. */
const refersTo: Readonly<Record<string, EventType>> = {
  answers: 'readmit.revocation.due',
  attestationId: 'readmit.people.attested',
  attestations: 'readmit.people.attested',
  classificationId: 'readmit.case.classified',
};
/** Events of the engines about themselves: no rule uses them as facts of a case. */
const ofEngines = /\.(deadline-set|message-parked)$/;

export class Forger {
  private readonly types: readonly EventType[];
  /** Values that a field of that name had. */
  private readonly pool = new Map<string, unknown[]>();
  private read = 0;
  private count = 0;

  constructor(
    readonly service: ServiceName,
    private readonly random: () => number,
  ) {
    this.types = eventTypes.filter((type) => entryOf(type).producer === service && !ofEngines.test(type));
  }

  /** Another event, or none if the data do not match the schema. */
  next(published: readonly Published[], now: Date): { readonly fact: Fact; readonly key: string } | undefined {
    this.learn(published);
    const type = pick(this.types, this.random);
    for (let tries = 0; tries < 20; tries++) {
      const data = this.dataOf(type, published, now);
      if (data === undefined || schemaViolation(type, data) !== undefined) continue;
      const key = keyOf(type, data);
      if (key === undefined) return undefined;
      // A new id, or one that is already used: the thief can choose.
      const id =
        this.random() < 0.1 && published.length > 0
          ? pick(published, this.random).fact.id
          : `forged_${String(++this.count).padStart(4, '0')}`;
      return { fact: { id, type, at: this.instant(now), data } as Fact, key };
    }
    return undefined;
  }

  private learn(published: readonly Published[]): void {
    const keep = (name: string, value: unknown): void => {
      const values = this.pool.get(name) ?? [];
      if (values.length < 200) this.pool.set(name, [...values, value]);
      if (Array.isArray(value)) for (const one of value) keep(`${name}[]`, one);
      else if (typeof value === 'object' && value !== null) for (const [inner, one] of Object.entries(value)) keep(inner, one);
    };
    for (const { fact } of published.slice(this.read)) {
      keep('data', fact.data);
      keep('eventId', fact.id);
      for (const [name, type] of Object.entries(refersTo))
        if (type === fact.type) keep(name === 'attestations' ? `${name}[]` : name, fact.id);
    }
    this.read = published.length;
  }

  private dataOf(type: EventType, published: readonly Published[], now: Date): unknown {
    const schema = catalogue[type].schema as unknown as Schema;
    const same = published.filter(({ fact }) => fact.type === type);
    if (same.length === 0 || this.random() < 0.3) return this.value('data', schema, now, 0);
    // A real event with some values changed, at any depth.
    return this.changed('data', structuredClone(pick(same, this.random).fact.data), schema, now, this.random() < 0.2 ? 0 : 0.25);
  }

  private changed(name: string, value: unknown, schema: Schema, now: Date, chance: number): unknown {
    if (name !== 'data' && this.random() < chance / 2) return this.value(name, schema, now, 0);
    if (Array.isArray(value)) {
      const kept = this.random() < chance / 2 ? value.filter(() => this.random() < 0.5) : value;
      return kept.map((one) => this.changed(`${name}[]`, one, schema.items ?? {}, now, chance));
    }
    if (typeof value !== 'object' || value === null) return this.random() < chance ? this.value(name, schema, now, 0) : value;
    return Object.fromEntries(
      Object.entries(value).map(([inner, one]) => [
        inner,
        // The case is mostly kept: an event of an unknown case does nothing.
        inner === 'caseId' && this.random() < 0.8 ? one : this.changed(inner, one, schema.properties?.[inner] ?? {}, now, chance / 1.5),
      ]),
    );
  }

  /** A value that matches the schema, often one that a field of that name had. */
  private value(name: string, schema: Schema, now: Date, depth: number): unknown {
    const known = this.pool.get(name);
    if (known && name !== 'data' && this.random() < 0.8) return structuredClone(pick(known, this.random));
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return pick(schema.enum, this.random);
    if (schema.anyOf) return this.value(name, pick(schema.anyOf, this.random), now, depth);
    switch (schema.type) {
      case 'object':
        return Object.fromEntries(
          Object.entries(schema.properties ?? {})
            .filter(([inner]) => schema.required?.includes(inner) === true || this.random() < 0.6)
            .map(([inner, of]) => [inner, this.value(inner, of, now, depth + 1)]),
        );
      case 'array':
        return Array.from({ length: Math.floor(this.random() * 3) }, () => this.value(`${name}[]`, schema.items ?? {}, now, depth + 1));
      case 'integer':
        return pick([schema.minimum ?? 0, 1, 60, 600, 3600, schema.maximum ?? 31_536_000], this.random);
      case 'boolean':
        return this.random() < 0.5;
      case 'string':
        return this.text(schema, now);
      default:
        return {};
    }
  }
  private text({ pattern = '', maxLength = 20 }: Schema, now: Date): string {
    if (pattern.startsWith('^\\d{4}-')) return this.instant(now);
    if (pattern.includes('{64}')) return Array.from({ length: 64 }, () => Math.floor(this.random() * 16).toString(16)).join('');
    if (pattern.startsWith('^[0-9a-f]{4}-')) return '0123-4567';
    return `thief-${String(Math.floor(this.random() * 1000))}`.padEnd(22, 'x').slice(0, Math.max(1, maxLength));
  }
  /** Mostly now, else earlier or a few minutes ahead: times that every service accepts. */
  private instant(now: Date): string {
    const chance = this.random();
    const shift = chance < 0.6 ? 0 : chance < 0.85 ? -this.random() * 3_600_000 : this.random() * 240_000;
    return new Date(now.getTime() + Math.floor(shift)).toISOString();
  }
}

/** The key that the bus requires: for events of a case, its id. */
function keyOf(type: EventType, data: unknown): string | undefined {
  const { caseId, key, subject } = data as Record<string, unknown>;
  if (typeof caseId === 'string') return caseId;
  if (type === 'readmit.policy.activated') return 'policy';
  if (typeof key === 'string') return key;
  return typeof subject === 'string' ? `subject:${subject}` : undefined;
}
