// at: apps/cli/src/canary.ts
import { Injectable } from '@nestjs/common';
import { TargetError } from '@readmit/connectors';
import type { Bus } from '@readmit/bus';
export const canary = [Injectable, TargetError];
export type Control = Bus;
