export { runDemo, wrongConfiguration } from './run.js';
export { ProductionRefused, startDemo } from './start.js';
export type { Demo, DemoOptions } from './start.js';
export type { PersonaCredentials } from './people/seed.js';
export {
  adminAudience,
  adminResource,
  apiAudience,
  apiResource,
  confidentialClients,
  deviceGrant,
  personaGrant,
  publicClient,
} from './issuer/clients.js';
export type { ConfidentialClient } from './issuer/clients.js';
export { demoAcr } from './issuer/issuer.js';
