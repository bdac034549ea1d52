// at: apps/approval/src/canary.ts
import { NestFactory } from '@nestjs/core';
import { ClientKafka, EventPattern } from '@nestjs/microservices';
import { Controller } from '@nestjs/common';
export const canary = [NestFactory, ClientKafka, EventPattern, Controller];
