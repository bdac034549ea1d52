import type { ConnectorKind } from './connector-kind.js';
import { demoIdp } from './demo-idp/demo-idp.kind.js';
import { ldap } from './ldap/ldap.kind.js';
import { postgres } from './postgres/postgres.kind.js';
import { webhook } from './webhook/webhook.kind.js';

/** Every kind of target system that an installation may name in its file of targets. */
export const connectorKinds: readonly ConnectorKind[] = [postgres, ldap, webhook, demoIdp];
