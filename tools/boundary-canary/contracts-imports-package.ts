// at: libs/contracts/src/canary.ts
import Ajv from 'ajv';
import { Type } from 'typebox';
export const canary = [Ajv, Type];
