export { rawResponse } from './raw-response.js';
export { blockOf, blocksIn, type CodeBlock } from './code-blocks.js';
export { testEnvironment, testDatabase } from './database.js';
export type { TestDatabase } from './database.js';
export { fixedIds } from './fixed-ids.js';
export {
  allow,
  emptyTopics,
  recreateTopics,
  createTopics,
  openKafkaBus,
  readAll,
  refusalOf,
  sendBatches,
  testBroker,
  withAdmin,
} from './kafka.js';
export { testKeycloak, type TestKeycloak, type TestRealm } from './keycloak.js';
export { ocsfCaptions, ocsfFaults } from './ocsf.js';
export type { OcsfCaptions } from './ocsf.js';
export { testOpenLdap, type TestOpenLdap } from './openldap.js';
export { personas } from './personas.js';
export { postgresReleases, startPostgresRelease, type PostgresRelease } from './postgres-release.js';
export { sampleFor, sampleOf } from './sample.js';
export { until } from './until.js';
export type { UntilOptions } from './until.js';
