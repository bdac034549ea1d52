import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '@readmit/platform';
import { adaLostHerPhone } from './ada.js';
import { deniedOnTheWay } from './denied.js';
import { erinsAdminRole } from './erin.js';
import { theLogVerifies } from './log.js';
import { payrollsSecretDied } from './payroll.js';
import { Stage } from './stage.js';
import type { System } from '../system.js';

const personas = ['ada-admin', 'boris', 'chidi', 'dana', 'erin', 'gita', 'pat'] as const;

const cast = [
  'Ada, an employee, has lost her phone. ada-admin is her second account, for security on call.',
  'Boris works at the help desk: he calls people back and records proofs of identity.',
  'Chidi is on call in security and Dana owns the systems: they approve.',
  'Erin is a database administrator who has lost a role.',
  'Pat’s team owns svc-payroll, a machine whose secret died. payroll-app is the program that uses it.',
  'Gita operates Readmit. Mallory, a contractor, attacks it.',
];
const summary = (denied: number): readonly string[] => [
  'Ada has access again with a new factor, after two proofs and an approval. The bypass that let her in is closed.',
  'Erin had her role for six seconds, after two approvals. Then it ended automatically.',
  'svc-payroll has a new secret that only its consumer can open. The old login is gone.',
  `${denied} attempts to bypass a rule were denied.`,
  'The log verifies offline, and a modified copy does not.',
];

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
  stage.title('Who is who');
  for (const line of cast) stage.say(line);
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
    stage.check(`the tour continued: ${messageOf(error)}`, false);
  }
  if (stage.failed === 0) {
    stage.title('What you saw');
    const denied = stage.checks.filter(({ what }) => what.startsWith('denied: ')).length;
    for (const line of summary(denied)) stage.say(line);
  }
  stage.title(`${stage.checks.length - stage.failed} of ${stage.checks.length} checks held, ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return stage.failed;
}
