// at: apps/cli/src/canary.ts
import { Injectable } from '@nestjs/common';
import { TargetError } from '@readmit/connectors';
import type { Bus } from '@readmit/bus';
import type { Engine } from '@readmit/runtime';
export const canary = [Injectable, TargetError];
export type Refused = Engine;
export type Control = Bus;
