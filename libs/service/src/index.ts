export { runService } from './run-service.js';
export type { Host, RunOptions } from './run-service.js';
export { startService } from './start-service.js';
export type { Environment, RunningService, StartOptions } from './start-service.js';
export { serviceApp } from './service-app.js';
export type { Backing, BuildContext, BuiltService, ServiceApp, ServiceFigures } from './service-app.js';
export { ConfigurationError, configurationExitCode, describe as describeSettings, readSettings, settings } from './settings/settings.js';
export type { Parse, Setting, SettingDescription, Settings, SettingsSpec } from './settings/settings.js';
export {
  choice,
  databaseUrl,
  followedSecretLine,
  integer,
  list,
  matching,
  parser,
  secretFile,
  secretLine,
  serviceKeyFile,
  textFile,
  webUrl,
} from './settings/parsers.js';
export type { ServiceSigningKey } from './settings/parsers.js';
export { kafkaConnectionOf, kafkaSettings } from './settings/kafka-settings.js';
export { Secret } from './settings/secret.js';
export { settingsOfOthers } from './settings/others.js';
export { serviceSettings } from './settings/service-settings.js';
export { signInOf } from './settings/sign-in-settings.js';
export type { ServiceSettings } from './settings/service-settings.js';
export { Serves } from './http/serves.js';
export type { Actor, AnswerOf, BodyOf, Call, ProvenKey, QueryOf } from './http/call.js';
export { bodyLimit } from './http/json-body.js';
export { answer, answerUnread, nothingAt, ProblemError, problemOf, refused, unavailable } from './http/problem.js';
export type { FieldError, ProblemDetails } from './http/problem.js';
export { createLog, logFact } from './log/logger.js';
export type { Log } from './log/logger.js';
export { currentTraceparent } from './telemetry.js';
