/** Compares the tables of settings in README.md with the settings in the code. */
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { approvalApp } from '@readmit/approval';
import { auditApp } from '@readmit/audit';
import { classificationApp } from '@readmit/classification';
import { executionApp } from '@readmit/execution';
import { intakeApp } from '@readmit/intake';
import { schedulerApp } from '@readmit/revocation-scheduler';
import { describeSettings, serviceSettings, settingsOfOthers, type SettingsSpec } from '@readmit/service';

const readme = readFileSync('README.md', 'utf8');
/** Every setting of the tables with its row. A setting of two services has a row for each. */
const rows = [...readme.matchAll(/^\| (`[A-Z][A-Z_0-9]+`(?:, `[A-Z_0-9]+`)*) +\| (.+) +\|$/gm)].flatMap(([, names = '', says = '']) =>
  [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ name, says })),
);
const rowOf = (name: string, service = ''): string | undefined =>
  rows.find((row) => row.name === name && row.says.startsWith(service))?.says;
const apps: readonly { readonly name: string; readonly settings: SettingsSpec }[] = [
  intakeApp,
  classificationApp,
  approvalApp,
  executionApp,
  schedulerApp,
  auditApp,
];

it('the README lists exactly the existing settings', () => {
  const all = [serviceSettings, ...apps.map(({ settings }) => settings)].flatMap((spec) => Object.keys(spec));
  expect(rows.map(({ name }) => name).toSorted()).toEqual(all.toSorted());
});

it('the README says which settings are required, and to which service they belong', () => {
  for (const { name, required } of describeSettings(serviceSettings))
    expect([name, rowOf(name)?.startsWith('required')]).toEqual([name, required]);
  for (const app of apps)
    for (const { name, required } of describeSettings(app.settings))
      expect([name, rowOf(name, app.name)]).toEqual([
        name,
        expect.stringMatching(new RegExp(`^${app.name} +\\| ${required ? 'required' : '(?!required)'}`)),
      ]);
});

it('the README names each default', () => {
  const defaults = new Map(
    [serviceSettings, ...apps.map(({ settings }) => settings)].flatMap(describeSettings).map((one) => [one.name, one.default] as const),
  );
  /** In the order of the settings that share a row. */
  const defaultsIn = (row: string) =>
    [...row.matchAll(/\(default ([^)]+)\)/g)].flatMap(([, values = '']) => values.replaceAll('`', '').split(/, | on /));
  for (const [row, those] of Map.groupBy(rows, ({ says }) => says)) {
    const names = those.map(({ name }) => name);
    expect([names, defaultsIn(row)]).toEqual([
      names,
      names.flatMap((name) => {
        // The default name of the log contains that of the environment, and an empty list is not mentioned.
        if (name === 'READMIT_LOG_ORIGIN') return ['readmit.example/log/<environment>'];
        const value = defaults.get(name);
        return value === undefined || value === '[]' ? [] : [value.replaceAll(/["[\]]/g, '')];
      }),
    ]);
  }
});

it('one environment file can be used for all services: each knows the settings of the others', () => {
  const own = apps.flatMap(({ settings }) => Object.keys(settings));
  expect([...settingsOfOthers]).toEqual([...new Set([...own, 'READMIT_URL', 'READMIT_HOME', 'READMIT_DEBUG'])].toSorted());
});
