// at: apps/approval/src/canary.ts
import { Client } from 'pg';
import { Kafka } from 'kafkajs';
import { trace } from '@opentelemetry/api';
import { Column } from 'typeorm';
export const canary = [Client, Kafka, trace, Column];
