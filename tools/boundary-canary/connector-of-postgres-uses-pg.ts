// at: libs/connectors/src/postgres/canary.ts
import { Client } from 'pg';
export const canary = Client;
