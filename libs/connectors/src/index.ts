export { TargetError } from './capability.js';
export type { Capabilities, Connector, Observed, PlanParts, Sealed, StepResult, UndoResult } from './capability.js';
export { postgresConnector, type PostgresConnectorOptions } from './postgres/postgres.connector.js';
export { prepareExecutor } from './postgres/prepare-executor.js';
export { scramVerifier } from './postgres/scram-verifier.js';
export type { ServiceAccount } from './postgres/service-account.js';
export { demoIdpConnector } from './demo-idp/connector.js';
export type { DemoIdpOptions } from './demo-idp/admin-client.js';
export type { BypassSecret } from './demo-idp/bypass-code.js';
