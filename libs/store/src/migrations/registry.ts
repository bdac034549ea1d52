import { services, type ServiceName } from '@readmit/contracts';
import type { MigrationInterface } from 'typeorm';
import { busSchema, type SchemaOwner } from '../schemas.js';
import { auditInsertOnlyTables, AuditTables1 } from './audit-tables.js';
import { AuditWriter1 } from './audit-writer.js';
import { BusTopics1 } from './bus-topics.js';
import { CaseCodes1 } from './case-codes.js';
import { CaseWhose1 } from './case-whose.js';
import { DirectorySource1 } from './directory-source.js';
import { EngineTables1 } from './engine-tables.js';
import { FactByType1 } from './fact-by-type.js';
import { InboxItems1 } from './inbox-items.js';
import { IntakeReaders1 } from './intake-readers.js';
import { NoticeAddresses1 } from './notice-addresses.js';
import { OcsfTopic1 } from './ocsf-topic.js';
import { OpenCases1, SubjectCases1 } from './open-cases.js';
import { OrderWords1 } from './order-words.js';
import { KeyListBelieved1 } from './key-list-believed.js';
import { LogRows1 } from './log-rows.js';
import { Outbox1, OutboxWriter1 } from './outbox.js';
import { Positions1 } from './positions.js';
import { TouchKnown1 } from './touch-known.js';
import { TraceOfAggregate1 } from './trace-of-aggregate.js';
import { Turns1 } from './turns.js';
import { WorkAtObjects1 } from './work-at-objects.js';
import { WorkLanes1 } from './work-lanes.js';
import { ApprovalTables1, ExecutionTables1, IntakeTables1, SchedulerTables1 } from './service-tables.js';

export interface RegisteredMigration {
  /** Permanently unique and ascending: the order of execution. MUST NOT change once released. */
  readonly order: number;
  readonly migration: new () => MigrationInterface;
  /** Where it is applied: in the schema `bus`, or in the schemas of these services. */
  readonly schemas: typeof busSchema | readonly ServiceName[];
  /** Tables (names without schema) that the service may read and append to, and nothing else (R7). */
  readonly insertOnlyTables?: readonly string[];
}

/** Every migration. Append; never edit or remove what a release had. Raw SQL in them names tables without a schema. */
export const registry: readonly RegisteredMigration[] = [
  { order: 1, migration: BusTopics1, schemas: busSchema },
  { order: 2, migration: Positions1, schemas: services },
  { order: 3, migration: EngineTables1, schemas: services, insertOnlyTables: ['fact'] },
  { order: 4, migration: Outbox1, schemas: services, insertOnlyTables: ['outbox'] },
  { order: 5, migration: TouchKnown1, schemas: services },
  { order: 6, migration: TraceOfAggregate1, schemas: services },
  { order: 7, migration: OutboxWriter1, schemas: services },
  { order: 8, migration: FactByType1, schemas: services },
  { order: 10, migration: IntakeTables1, schemas: ['intake'] },
  { order: 11, migration: ApprovalTables1, schemas: ['approval'] },
  { order: 12, migration: ExecutionTables1, schemas: ['execution'] },
  { order: 13, migration: SchedulerTables1, schemas: ['revocation-scheduler'] },
  { order: 14, migration: Turns1, schemas: services },
  { order: 15, migration: KeyListBelieved1, schemas: services },
  { order: 20, migration: AuditTables1, schemas: ['audit'], insertOnlyTables: auditInsertOnlyTables },
  { order: 21, migration: AuditWriter1, schemas: ['audit'] },
  { order: 22, migration: LogRows1, schemas: ['audit'] },
  { order: 23, migration: CaseWhose1, schemas: ['audit'] },
  { order: 30, migration: WorkLanes1, schemas: services },
  { order: 40, migration: OcsfTopic1, schemas: busSchema },
  { order: 50, migration: IntakeReaders1, schemas: ['intake'] },
  { order: 51, migration: OpenCases1, schemas: ['intake'] },
  { order: 60, migration: OrderWords1, schemas: ['revocation-scheduler'] },
  { order: 61, migration: SubjectCases1, schemas: ['revocation-scheduler'] },
  { order: 80, migration: CaseCodes1, schemas: ['classification'] },
  { order: 90, migration: InboxItems1, schemas: ['approval'] },
  { order: 100, migration: WorkAtObjects1, schemas: services },
  { order: 110, migration: NoticeAddresses1, schemas: ['intake'] },
  { order: 125, migration: DirectorySource1, schemas: ['classification'] },
];

export const migrationsOf = (schema: SchemaOwner): readonly RegisteredMigration[] =>
  registry
    .filter(({ schemas }) => (schema === busSchema ? schemas === busSchema : schemas !== busSchema && schemas.includes(schema)))
    .sort((a, b) => a.order - b.order);

/** Tables of the service that its role may only read and append to. */
export const insertOnlyTablesOf = (service: ServiceName): readonly string[] =>
  migrationsOf(service).flatMap(({ insertOnlyTables }) => insertOnlyTables ?? []);
