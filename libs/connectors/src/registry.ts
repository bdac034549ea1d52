import type { ConnectorKind } from './connector-kind.js';
import { demoIdp } from './demo-idp/demo-idp.kind.js';
import { keycloak } from './keycloak/keycloak.kind.js';
import { ldap } from './ldap/ldap.kind.js';
import { postgres } from './postgres/postgres.kind.js';
import { scim } from './scim/scim.kind.js';
import { webhook } from './webhook/webhook.kind.js';

/** All kinds of target systems that an installation may configure in its targets file. */
export const connectorKinds: readonly ConnectorKind[] = [postgres, ldap, keycloak, scim, webhook, demoIdp];
