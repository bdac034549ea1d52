import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '@readmit/platform';
import { adaAtKeycloak } from './ada-at-keycloak.js';
import { adaLostHerPhone } from './ada.js';
import { deniedOnTheWay } from './denied.js';
import { erinsAdminRole } from './erin.js';
import { groupsInLdap, ldapIsBack } from './groups-in-ldap.js';
import { theLogVerifies } from './log.js';
import { payrollsSecretDied } from './payroll.js';
import { Stage } from './stage.js';
import type { RealTargets } from '../real/real-targets.js';
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
/** What the tour of `--real` shows instead. */
const realSummary = (denied: number, browser: boolean): readonly string[] => [
  'Erin had a group of OpenLDAP for six seconds. Of two grants of it that overlapped, the end of one left the other.',
  'The other expired while OpenLDAP was down. It was overdue until OpenLDAP was back; then its end was proven.',
  ...(browser
    ? ['Ada has a new factor at Keycloak, and her stolen phone opens nothing. A bypass was refused after its end.']
    : ['Not shown without a browser: sign-ins at Keycloak, and what they would prove about factors and bypasses.']),
  'svc-payroll has a new secret that only its consumer can open. The old login is gone.',
  'Everybody concerned was notified by mail.',
  `${denied} attempts to bypass a rule were denied.`,
  'The log verifies offline, and a modified copy does not.',
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
  const { real } = system;
  const browser = real?.browser;
  const signIn = browser && ((persona: string, address: string) => browser.signIn(persona, address));
  const stage = new Stage({ origin: system.origin, issuer: system.issuer, homes, signIn, ...options });
  const began = Date.now();
  stage.title('Who is who');
  for (const line of cast) stage.say(line);
  try {
    stage.title(`The people sign in${browser ? ' at Keycloak, each in a browser, with password and second factor' : ''}`);
    if (real && !browser) stage.say('At the demo identity provider, because there is no browser (--without-browser).');
    if (browser) await Promise.all(personas.map((persona) => stage.login(persona)));
    else for (const persona of personas) await stage.login(persona);
    await (real ? realParts(stage, system, keys, real) : demoParts(stage, system, keys));
  } catch (error) {
    stage.check(`the tour continued: ${messageOf(error)}`, false);
  }
  if (stage.failed === 0) {
    stage.title('What you saw');
    const denied = stage.checks.filter(({ what }) => what.startsWith('denied: ')).length;
    for (const line of real ? realSummary(denied, browser !== undefined) : summary(denied)) stage.say(line);
  }
  stage.title(`${stage.checks.length - stage.failed} of ${stage.checks.length} checks held, ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return stage.failed;
}

async function demoParts(stage: Stage, system: System, keys: string): Promise<void> {
  const cases = [
    await adaLostHerPhone(stage, system, keys),
    await erinsAdminRole(stage, system, keys),
    await payrollsSecretDied(stage, system, keys),
  ];
  await deniedOnTheWay(stage, system, keys, cases[0] ?? '');
  await theLogVerifies(stage, system, cases, 5);
}

async function realParts(stage: Stage, system: System, keys: string, real: RealTargets): Promise<void> {
  const { browser } = real;
  try {
    const { cases: groups, lasting } = await groupsInLdap(stage, keys, real);
    const cases = [...groups];
    if (browser) cases.push(...(await adaAtKeycloak(stage, system, keys, { real, browser })));
    cases.push(await payrollsSecretDied(stage, system, keys));
    // An access token of Keycloak is valid for five minutes, and the next part uses one without the CLI, which would get another.
    await stage.login('chidi');
    await deniedOnTheWay(stage, system, keys, cases[0] ?? '');
    await ldapIsBack(stage, real, lasting);
    await theLogVerifies(stage, system, cases, 6);
  } catch (error) {
    // Anyone who continues by hand after a failure finds it running.
    await real.directory.restart();
    throw error;
  }
}
