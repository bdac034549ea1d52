export { surroundings, testDatabase } from './database.js';
export type { TestDatabase } from './database.js';
export { fixedIds } from './fixed-ids.js';
export { ocsfCaptions, ocsfFaults } from './ocsf.js';
export type { OcsfCaptions } from './ocsf.js';
export { personas } from './personas.js';
export { postgresReleases, startPostgresRelease, type PostgresRelease } from './postgres-release.js';
export { until } from './until.js';
export type { UntilOptions } from './until.js';
