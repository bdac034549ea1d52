import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { adaLostHerPhone } from './ada.js';
import { deniedOnTheWay } from './denied.js';
import { erinsAdminRole } from './erin.js';
import { theLogVerifies } from './log.js';
import { payrollsSecretDied } from './payroll.js';
import { Stage } from './stage.js';
import type { System } from '../system.js';

const personas = ['ada-admin', 'boris', 'chidi', 'dana', 'erin', 'gita', 'pat'] as const;

/** Plays three recoveries against real targets, what is denied on the way, and the log. Returns how many checks did not hold. */
export async function playTour(
  system: System,
  options: { readonly color: boolean; readonly write: (text: string) => void },
): Promise<number> {
  const homes = path.join(system.stateDir, 'homes');
  const keys = path.join(system.stateDir, 'demo', 'keys');
  await mkdir(homes, { recursive: true, mode: 0o700 });
  const stage = new Stage({ origin: system.origin, issuer: system.demo.issuer, homes, ...options });
  const began = Date.now();
  stage.title('The people sign in');
  for (const persona of personas) await stage.done(persona, ['login', '--as', persona]);
  const cases: string[] = [];
  try {
    cases.push(await adaLostHerPhone(stage, system, keys));
    cases.push(await erinsAdminRole(stage, system, keys));
    cases.push(await payrollsSecretDied(stage, system, keys));
    await deniedOnTheWay(stage, system, keys, cases[0] ?? '');
    await theLogVerifies(stage, system, cases);
  } catch (error) {
    stage.check(`the tour went on: ${error instanceof Error ? error.message : String(error)}`, false);
  }
  stage.title(`${stage.checks.length - stage.failed} of ${stage.checks.length} checks held, ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return stage.failed;
}
