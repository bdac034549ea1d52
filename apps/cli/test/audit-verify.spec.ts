/** `readmit audit verify` over a log that is signed as the services sign: each way of tampering exits with 3 and says where; the untouched log is the control. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { vkeyOf, type OcsfEvent } from '@readmit/domain';
import { ocsfFaults, sampleFor } from '@readmit/testing';
import { logTools as tools } from '../src/log-tools.js';
import { Desk } from './cli-run.js';

import { at, key, Log, root, services } from './sample-log.js';

let desk: Desk;
let whole: Log;
beforeAll(async () => {
  desk = await Desk.of('http://127.0.0.1:1');
  await writeFile(path.join(desk.home, 'trust.json'), JSON.stringify({ logKey: vkeyOf(key, tools), root: root.public }));
  whole = await Log.of();
  for (let minute = 0; minute < 4; minute += 1) await whole.notice(minute);
});
afterAll(() => desk.leave());

async function verify(lines: readonly string[], ...more: readonly string[]) {
  const file = path.join(desk.home, 'log.ndjson');
  await writeFile(file, `${lines.join('\n')}\n`);
  return desk.run('audit', 'verify', file, ...more);
}
const rulesOf = (stdout: string): readonly string[] =>
  (JSON.parse(stdout) as { findings: { rule: string }[] }).findings.map(({ rule }) => rule);
async function saved(note: string | Uint8Array): Promise<string> {
  const file = path.join(desk.home, 'seen.checkpoint');
  await writeFile(file, note);
  return file;
}

describe('readmit audit verify', () => {
  it('R7.2 exits with 0 for the whole log, offline, and says of which size it is complete', async () => {
    const { code, stdout } = await verify(whole.lines(), '--checkpoint', await saved(whole.note(2)));
    expect(stdout).toContain('complete as of size 4');
    expect(stdout).toContain('an extension of the checkpoint of size 2');
    expect(code).toBe(0);
  });

  it("R7.2 names when the believed list of services' keys was issued: an older one may hide a revocation", async () => {
    const issuedAt = at(3);
    const later = await Log.of({ ...services.list, issuedAt });
    later.entries.push(...whole.entries);
    expect((await verify(later.lines())).stdout).toMatch(new RegExp(`key list of\\s+${issuedAt}`));
    expect(JSON.parse((await verify(later.lines(), '--json')).stdout)).toMatchObject({ ok: true, keyListIssuedAt: issuedAt });
    expect(JSON.parse((await verify(whole.lines(), '--json')).stdout)).toMatchObject({ keyListIssuedAt: services.list.issuedAt });
  });

  it('R6.3 exits with 3 for a log that is whole and in which audit says that a rule was broken, and shows what', async () => {
    const log = await Log.of();
    log.entries.push(...whole.entries);
    await log.append('audit', 'readmit.violation.found', at(4), { caseId: 'case_1', rule: 'obligation-overdue', says: 'still open' });
    const { code, stdout } = await verify(log.lines());
    expect(code).toBe(3);
    expect(stdout).toContain('The log is whole as of size 5, but rules were broken.');
    expect(stdout).toContain(`4\t${at(4)}\tcase_1\tobligation-overdue\tstill open`);
    expect(JSON.parse((await verify(log.lines(), '--json')).stdout)).toMatchObject({ ok: false, found: 0, violations: 1 });
  });

  it('R7.2 exits with 3 for an altered event and prints where and why', async () => {
    const lines = whole.lines();
    lines[3] = (lines[3] ?? '').replace(/"value":"(.{20})./, (_, start: string) => `"value":"${start}A`);
    const { code, stdout } = await verify(lines);
    expect(code).toBe(3);
    expect(stdout).toMatch(/2\tevent-refused\tentry 2 \(readmit\.notice\.sent, readmit\.intake\.v1, key case_1\)\t.*bad-signature/);
  });

  it('R7.2 exits with 3 for a missing row', async () => {
    const lines = whole.lines();
    lines.splice(2, 1);
    const { code, stdout } = await verify(lines, '--json');
    expect(code).toBe(3);
    expect(rulesOf(stdout)).toContain('row-missing');
  });

  it('R7.2 finds a log that was cut, by a checkpoint that was seen before', async () => {
    const cut = await Log.of();
    cut.entries.push(...whole.entries.slice(0, 3));
    expect((await verify(cut.lines())).code).toBe(0);
    const { code, stdout } = await verify(cut.lines(), '--json', '--checkpoint', await saved(whole.note()));
    expect(code).toBe(3);
    expect(rulesOf(stdout)).toEqual(['log-cut']);
  });

  it('exits with 3 when the key list is not signed by the root that was given', async () => {
    const other = path.join(desk.home, 'other.json');
    await writeFile(
      other,
      JSON.stringify({ logKey: vkeyOf(key, tools), root: (await import('@readmit/signing')).makeSigningKey().public }),
    );
    const { code, stderr } = await verify(whole.lines(), '--keys', other);
    expect(code).toBe(3);
    expect(stderr).toContain('not signed by the configured root key');
  });

  it('counts of a revoked key only what stands in the log before its revocation, whatever time an event claims', async () => {
    const revokedAt = at(10);
    const list = { ...services.list, keys: services.list.keys.map((one) => (one.owner === 'intake' ? { ...one, revokedAt } : one)) };
    const history = await Log.of(list);
    await history.notice(1);
    await history.append('audit', 'readmit.checkpoint.signed', at(11), { size: 1, note: history.note(1) });
    expect((await verify(history.lines())).stdout).toContain('The log verifies');
    await history.notice(2);
    const { code, stdout } = await verify(history.lines());
    expect(code).toBe(3);
    expect(stdout).toMatch(/2\tevent-refused\t.*key-not-valid-then/);
  });

  it('exits with 2 without keys from elsewhere: what an export says of itself proves nothing', async () => {
    const { code, stderr } = await verify(whole.lines(), '--keys', path.join(desk.home, 'absent.json'));
    expect(code).toBe(2);
    expect(stderr).toContain('from a source other than the export');
  });
});

/** What mail, git, a shell or a packer does to a file on its way; none of it is a forger. */
const onTheWay: readonly [string, (text: string) => Uint8Array, string][] = [
  ['a byte-order mark', (text) => Buffer.from(`\ufeff${text}`), 'begins with a byte-order mark'],
  ['gzip', (text) => gzipSync(text), 'is compressed with gzip'],
  ['UTF-16', (text) => Buffer.from(`\ufeff${text}`, 'utf16le'), 'is UTF-16'],
  ['UTF-16 without a mark', (text) => Buffer.from(text, 'utf16le'), 'is UTF-16'],
  ['UTF-16, big end first', (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), 'is UTF-16'],
];

describe('a file that something changed on its way', () => {
  it.each(onTheWay)('an export with %s exits with 2 and says what it is; as it was written it verifies', async (_what, change, says) => {
    const text = `${whole.lines().join('\n')}\n`;
    const file = path.join(desk.home, 'sent.ndjson');
    await writeFile(file, change(text));
    for (const command of ['verify', 'ocsf']) {
      const { code, stdout, stderr } = await desk.run('audit', command, file);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(says);
      expect(stderr).not.toContain('does not verify');
    }
    await writeFile(file, text);
    for (const command of ['verify', 'ocsf']) expect((await desk.run('audit', command, file)).code).toBe(0);
  });

  it.each<[string, (note: string) => string | Uint8Array]>([
    ['carriage returns', (note) => note.replaceAll('\n', '\r\n')],
    ['no final newline', (note) => note.trimEnd()],
    ['a newline too many', (note) => `${note}\n`],
    ['a dash for the em dash', (note) => note.replace('\u2014', '-')],
    ['nothing in it', () => ''],
    ['JSON', (note) => JSON.stringify({ size: 4, note })],
    ['an export', () => `${whole.lines().join('\n')}\n`],
    ['far too much', (note) => note.repeat(1000)],
    ...onTheWay.map(([what, change]): [string, (note: string) => Uint8Array] => [what, change]),
  ])('a checkpoint file with %s exits with 2; as it was kept it is compared', async (_what, change) => {
    const { code, stdout, stderr } = await verify(whole.lines(), '--checkpoint', await saved(change(whole.note(2))));
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/This is not a checkpoint|it cannot be verified in this form/);
    expect((await verify(whole.lines(), '--checkpoint', await saved(whole.note(2)))).code).toBe(0);
  });

  it('R7.2 exits with 3 for a checkpoint whose text was altered after it was signed', async () => {
    const altered = whole.note(2).replace('\n2\n', '\n3\n');
    const { code, stdout } = await verify(whole.lines(), '--json', '--checkpoint', await saved(altered));
    expect(code).toBe(3);
    expect(rulesOf(stdout)).toEqual(['checkpoint-invalid']);
  });

  it('verify and ocsf read over blank lines, carriage returns and a missing end of line alike', async () => {
    const file = path.join(desk.home, 'lines.ndjson');
    for (const text of [`${whole.lines().join('\n')}\n\n \n`, whole.lines().join('\r\n'), whole.lines().join('\n')]) {
      await writeFile(file, text);
      for (const command of ['verify', 'ocsf']) expect((await desk.run('audit', command, file)).code).toBe(0);
    }
  });

  it('a folder, or a path through a file, exits with 2 and blames nobody', async () => {
    const file = path.join(desk.home, 'log.ndjson');
    await verify(whole.lines());
    const blamed = /bug in readmit|report it/;
    for (const argv of [
      ['verify', desk.home],
      ['ocsf', desk.home],
      ['verify', path.join(file, 'x')],
      ['verify', file, '--checkpoint', desk.home],
      ['export', '--out', path.join(file, 'x')],
    ]) {
      const { code, stderr } = await desk.run('audit', ...argv);
      expect([argv.join(' '), code]).toEqual([argv.join(' '), 2]);
      expect(stderr).toMatch(/it is a folder|is a file, not a folder/);
      expect(stderr).not.toMatch(blamed);
    }
    expect((await desk.run('audit', 'verify', file)).code).toBe(0);
  });

  it('stops at a line that is longer than any of an export, without reading it whole', async () => {
    const file = path.join(desk.home, 'long.ndjson');
    await writeFile(file, whole.lines()[0] ?? '');
    await truncate(file, 3_000_000_000);
    const { code, stderr } = await desk.run('audit', 'verify', file);
    expect(code).toBe(3);
    expect(stderr).toContain('line 1 is longer than');
  });
});

describe('readmit audit ocsf', () => {
  async function shown(lines: readonly string[], ...more: readonly string[]) {
    const file = path.join(desk.home, 'shown.ndjson');
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    return desk.run('audit', 'ocsf', file, ...more);
  }
  const eventsOf = (stdout: string): OcsfEvent[] =>
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as OcsfEvent);

  it('R7.4 prints each entry as the topic for SIEMs has it, from the index that was missed on', async () => {
    const all = await shown(whole.lines());
    expect(all.code).toBe(0);
    const events = eventsOf(all.stdout);
    expect(events.map(({ metadata }) => [metadata.uid, metadata.sequence])).toEqual([0, 1, 2, 3].map((n) => [`event-${n}`, n]));
    for (const event of events) expect(ocsfFaults(event)).toEqual([]);
    expect(all.stderr).toContain('4 entries. To check that none is missing: readmit audit verify');
    const some = await shown(whole.lines(), '--from', '2');
    expect(eventsOf(some.stdout)).toEqual(events.slice(2));
  });

  it('R7.4 says whose case an entry belongs to when its opening is before the index that was missed', async () => {
    const log = await Log.of();
    const { data } = sampleFor('readmit.case.opened', 'case_1', { requester: { kind: 'person', id: 'boris' } });
    await log.append('intake', 'readmit.case.opened', at(0), data);
    await log.notice(1);
    const [missed] = eventsOf((await shown(log.lines(), '--from', '1')).stdout);
    expect(missed).toMatchObject({ unmapped: { whose: { subject: { id: 'ada' }, requester: { id: 'boris' } } } });
    expect(eventsOf((await shown(log.lines())).stdout)[1]).toEqual(missed);
  });

  it.each<[string, (lines: string[]) => string[], string]>([
    [
      'an altered event',
      (lines) => lines.map((line, at) => (at === 2 ? line.replace(/"value":"(.{20})./, (_, start: string) => `"value":"${start}A`) : line)),
      'This is not a genuine export. Entry 1: bad-signature: the bytes are not what key',
    ],
    [
      'an entry of another event',
      (lines) => {
        const [a, b] = [lines[1] ?? '', lines[2] ?? ''].map((line) => JSON.parse(line) as { entry: string });
        return lines.map((line, at) => (at === 1 ? JSON.stringify({ ...a, entry: b?.entry }) : line));
      },
      'This is not a genuine export. Entry 0 is not the one of its event.',
    ],
    ['no header', (lines) => lines.slice(1), 'The first line is not the header of an export.'],
    ['a line that is none', (lines) => [...lines.slice(0, 2), 'x'], 'The line is not JSON'],
    ['nothing', () => [], 'It is empty.'],
  ])('R7.4 exits with 3 at %s, and shows nothing from there on', async (_what, edit, says) => {
    const { code, stdout, stderr } = await shown(edit(whole.lines()));
    expect(code).toBe(3);
    expect(stderr).toContain(says);
    expect(eventsOf(stdout).length).toBeLessThan(4);
  });
});

describe('readmit audit cef', () => {
  async function converted(lines: readonly string[]) {
    const file = path.join(desk.home, 'records.ndjson');
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    return desk.run('audit', 'cef', file);
  }
  it('R7.4 prints a line for each record that audit ocsf prints, and stops at what is none', async () => {
    const file = path.join(desk.home, 'shown.ndjson');
    await writeFile(
      file,
      whole
        .lines()
        .map((line) => `${line}\n`)
        .join(''),
    );
    const records = (await desk.run('audit', 'ocsf', file)).stdout.trimEnd().split('\n');
    const { code, stdout } = await converted(records);
    const codes = records.map((text) => (JSON.parse(text) as OcsfEvent).metadata.event_code);
    expect([
      code,
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('|')[4]),
    ]).toEqual([0, codes]);
    const [first = ''] = records;
    // A record of another product, or one that something on its way has changed.
    const { metadata, ...others } = JSON.parse(first) as OcsfEvent;
    const strange = [
      { ...others, metadata: { ...metadata, event_code: undefined } },
      { ...others, metadata: { ...metadata, product: { feature: metadata.product.feature } } },
      { ...others, metadata, unmapped: {} },
      { ...others, metadata, severity_id: 2.5 },
    ].map((one) => JSON.stringify(one));
    for (const wrong of ['{}', 'null', 'x', whole.lines()[0] ?? '', ...strange]) {
      const stopped = await converted([first, wrong, records[1] ?? '']);
      expect([wrong, stopped.code, stopped.stdout]).toEqual([wrong, 2, `${stdout.split('\n')[0]}\n`]);
      expect(stopped.stderr).toContain('Line 2 is not a record for SIEMs');
    }
  });
});

describe('docs/siem.md', () => {
  const commands = [...readFileSync('docs/siem.md', 'utf8').matchAll(/^readmit (audit (?:verify|ocsf) [^>\n]*)/gm)].map(([, args = '']) =>
    args.trim().split(' '),
  );

  it('R7.2 R7.4 its commands run as written, with nothing in the config folder', async () => {
    const bare = await Desk.of('http://127.0.0.1:1');
    try {
      const files: Readonly<Record<string, string>> = {
        'log.ndjson': `${whole.lines().join('\n')}\n`,
        'seen.checkpoint': whole.note(2),
        'trust.json': JSON.stringify({ logKey: vkeyOf(key, tools), root: root.public }),
      };
      const folder = path.join(bare.home, 'elsewhere');
      await mkdir(folder);
      for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
      expect(commands.map(([, name]) => name)).toEqual(['verify', 'ocsf']);
      for (const command of commands) {
        const args = command.map((arg) => (arg in files ? path.join(folder, arg) : arg));
        expect([command, (await bare.run(...args)).code]).toEqual([command, 0]);
        // The control: without the keys it cannot.
        expect((await bare.run(...args.slice(0, args.indexOf('--keys')))).code).toBe(2);
      }
    } finally {
      await bare.leave();
    }
  });
});
