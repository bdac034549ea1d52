/**
 * What one real case writes, as a script that can be played for any case: generated from a trace (trace.ts), so that the program that plays it
 * says the same events with the same bytes to the same listeners and writes the same rows as the product.
 */
import { services, topicOf, type ServiceName } from '@readmit/contracts';
import { schemaOf } from '@readmit/store';

/** Literal text and tokens: `caseToken`, `subjectToken`, or the number of an id that belongs to the case. */
export type Text = readonly (string | number)[];
export const caseToken = -1;
export const subjectToken = -2;

/** Of a column: text as PostgreSQL reads it, an instant as milliseconds after the transaction, or NULL. */
export type Value = Text | { readonly ms: number } | null;

export interface Row {
  readonly table: string;
  readonly op: 'put' | 'delete';
  readonly values: readonly Value[];
}

/** What one thing that happens to a service makes it write. */
export interface Step {
  readonly rows: readonly Row[];
  /** Numbers of the events that are said with it. */
  readonly says: readonly number[];
}

export interface EventTemplate {
  readonly service: ServiceName;
  readonly type: string;
  readonly key: Text;
  readonly headers: Text;
  readonly value: Text;
  /** Of audit: its leaf, what it keeps of the headers, the Recorded that it says of it, what it shows to SIEMs, whether it begins to watch the case, what it keeps of the case. */
  readonly audit?: {
    readonly entry: Text;
    readonly headers: Text;
    readonly recorded: number | undefined;
    readonly shown: { readonly key: Text; readonly headers: Text; readonly value: Text };
    readonly watch: boolean;
    readonly whose?: Text;
  };
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly key: boolean;
}

export interface Script {
  /** By the number of the event's id. */
  readonly events: Readonly<Record<number, EventTemplate>>;
  /** By service, then by what happens: `hear <number>`, `begin <work>`, `finish <work>`, `command <n>`. */
  readonly steps: Readonly<Record<string, Readonly<Record<string, Step>>>>;
  /** By service and table. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, readonly Column[]>>>>;
  /** Number of the event after which approval's commands (evidence, evidence, decision) are given. */
  readonly commandsAfter: number;
  /** Number of the event that ends a case. */
  readonly endsWith: number;
  /** Facts that a case leaves, by service. */
  readonly facts: Readonly<Record<string, number>>;
  readonly note: string;
}

const people = 10_000;
export const caseIdOf = (n: number): string => `case-${n}`;
export const subjectOf = (n: number): string => `person-${n % people}`;

/** The id number `k` of case `n`: shaped as the product's, and readable back. */
const idOf = (n: number, k: number): string => `${n.toString(16).padStart(8, '0')}-0000-7000-8000-${k.toString(16).padStart(12, '0')}`;
export const readId = (id: string): { readonly n: number; readonly k: number } => ({
  n: Number.parseInt(id.slice(0, 8), 16),
  k: Number.parseInt(id.slice(24), 16),
});

export function render(text: Text, n: number): string {
  let out = '';
  for (const part of text) {
    if (typeof part === 'string') out += part;
    else if (part === caseToken) out += caseIdOf(n);
    else if (part === subjectToken) out += subjectOf(n);
    else out += idOf(n, part);
  }
  return out;
}

export const renderValue = (value: Value, n: number, now: number): string | null =>
  value === null ? null : 'ms' in value ? new Date(now + value.ms).toISOString() : render(value, n);

/** The key of a work row, which names its steps. */
export const workName = (row: Row): string => JSON.stringify(row.values[0]);

/** Rows of the table `work` that a step leaves waiting. */
function worksAsked(step: Step, columns: readonly Column[] | undefined): readonly string[] {
  const state = columns?.findIndex(({ name }) => name === 'state') ?? -1;
  return step.rows
    .filter(({ table, op, values }) => table === 'work' && op === 'put' && JSON.stringify(values[state]) === '["waiting"]')
    .map(workName);
}

export const stepsOf = (script: Script, service: ServiceName): Readonly<Record<string, Step>> => script.steps[schemaOf(service)] ?? {};

/** Numbers of the events that mean something to a service, by the trace. */
export const heardBy = (script: Script, service: ServiceName): readonly number[] =>
  service === 'audit'
    ? Object.entries(script.events).flatMap(([k, { audit }]) => (audit === undefined ? [] : [Number(k)]))
    : Object.keys(stepsOf(script, service)).flatMap((name) => (name.startsWith('hear ') ? [Number(name.slice(5))] : []));

/** Topics of the producers of which a service receives something, by the trace. */
export function topicsHeard(script: Script, service: ServiceName): readonly string[] {
  const producers = new Set(heardBy(script, service).map((k) => script.events[k]?.service));
  return services.filter((one) => producers.has(one)).map(topicOf);
}

/** What a step makes happen in its service, work at once and people at once, and whether the case ends with it. */
export function consequences(
  script: Script,
  service: ServiceName,
  name: string,
): { readonly next: readonly string[]; readonly ends: boolean } {
  const steps = stepsOf(script, service);
  const step = steps[name];
  if (!step) return { next: [], ends: false };
  const next = worksAsked(step, script.tables[schemaOf(service)]?.['work']).map((work) => `begin ${work}`);
  if (name.startsWith('begin ')) next.push(`finish ${name.slice('begin '.length)}`);
  if (service === 'approval') {
    if (name === `hear ${script.commandsAfter}`) next.push('command 0');
    const command = /^command (\d)$/.exec(name);
    const after = command ? `command ${Number(command[1]) + 1}` : '';
    if (steps[after]) next.push(after);
  }
  return { next, ends: step.says.includes(script.endsWith) };
}
