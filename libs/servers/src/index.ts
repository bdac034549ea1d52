/** Starts and stops a real PostgreSQL, Apache Kafka, OpenLDAP and Keycloak on this machine, for the launcher and the tests. No service imports it. */
export { inUse, leaveFolder, liveProcess, liveStarter, processMark, recordProcess, takeFolder } from './data-folder.js';
export { freePort, whyTaken } from './free-port.js';
export { removeKafka, startKafka } from './kafka/kafka-server.js';
export type { KafkaCredentials, KafkaOptions, KafkaServer } from './kafka/kafka-server.js';
export { removeKeycloak, startKeycloak } from './keycloak/keycloak-server.js';
export type { KeycloakOptions, KeycloakServer } from './keycloak/keycloak-server.js';
export { removeOpenLdap, startOpenLdap } from './openldap/openldap-server.js';
export type { OpenLdapOptions, OpenLdapServer } from './openldap/openldap-server.js';
export { binariesPackage, releasePostgres, removePostgres, startPostgres } from './postgres/postgres-server.js';
export type { PostgresOptions, PostgresServer } from './postgres/postgres-server.js';
export type { PostgresBinaries } from './postgres/server-reach.js';
