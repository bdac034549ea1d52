// at: libs/bus/src/canary.ts
import { NestFactory } from '@nestjs/core';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { trace } from '@opentelemetry/api';
export const canary = [NestFactory, NodeSDK, trace];
