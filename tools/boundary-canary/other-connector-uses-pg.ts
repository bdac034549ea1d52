// at: libs/connectors/src/keycloak/canary.ts
import { Client } from 'pg';
export const canary = Client;
