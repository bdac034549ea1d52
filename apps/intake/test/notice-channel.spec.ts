/** Which settings go with which channel of notices, and what the errors say. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, readSettings, type Log } from '@readmit/service';
import type { Store } from '@readmit/store';
import { blockOf } from '@readmit/testing';
import { noticeSettings, openNoticeChannel } from '../src/outbound/notice-channel.js';

let folder: string;
const file = (name: string): string => path.join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'notice-channel-'));
  writeFileSync(file('secret'), 'correct-horse-battery\n', { mode: 0o600 });
  writeFileSync(file('open'), 'correct-horse-battery\n', { mode: 0o644 });
  writeFileSync(file('ca.pem'), '-----ca-----\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

type Env = Readonly<Record<string, string>>;
const open = async (env: Env) =>
  openNoticeChannel(readSettings(noticeSettings, env), { store: {} as Store, log: {} as Log, now: () => new Date() });
async function errorsOf(env: Env): Promise<readonly string[]> {
  try {
    await open(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.errors;
    throw error;
  }
  return [];
}
const directory = {
  READMIT_DIRECTORY_URL: 'https://directory.example.com/directory.jws',
  READMIT_DIRECTORY_KEY: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
};
const mailbox = () => ({
  READMIT_MAILBOX_URL: 'https://mail.example.com/readmit',
  READMIT_TOKEN_URL: 'https://sso.example.com/token',
  READMIT_CLIENT_SECRET_FILE: file('secret'),
});
const smtp = () => ({
  ...directory,
  READMIT_NOTICE_CHANNEL: 'smtp',
  READMIT_SMTP_URL: 'smtps://mail.example.com:465',
  READMIT_SMTP_FROM: 'readmit@example.com',
});

describe('the channel of notices', () => {
  it('is the mailbox service, unless it is SMTP; the settings of the directory may be there for others', async () => {
    expect((await open({ ...mailbox(), ...directory })).port.channel).toBe('mailbox');
    const channel = await open(smtp());
    expect(channel.port.channel).toBe('smtp');
    await channel.close?.();
    const signIn = { READMIT_SMTP_USERNAME: 'readmit', READMIT_SMTP_PASSWORD_FILE: file('secret'), READMIT_SMTP_CA_FILE: file('ca.pem') };
    expect(await errorsOf({ ...smtp(), ...signIn, READMIT_SMTP_URL: 'smtp://mail.example.com:587' })).toEqual([]);
    expect(await errorsOf({ ...smtp(), READMIT_SMTP_URL: 'smtp://[::1]:1025' })).toEqual([]);
  });

  it('takes the settings that docs/notices.md shows', async () => {
    const lines = blockOf('docs/notices.md', 'By SMTP').trim().split('\n');
    const shown = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
    expect(shown).toMatchObject({ READMIT_NOTICE_CHANNEL: 'smtp', READMIT_SMTP_PASSWORD_FILE: '/etc/readmit/smtp.password' });
    expect(await errorsOf({ ...shown, READMIT_SMTP_PASSWORD_FILE: file('secret') })).toEqual([]);
  });

  it.each<[string, () => Env, readonly string[]]>([
    [
      'no setting at all',
      () => ({}),
      [
        'READMIT_MAILBOX_URL: is missing, but READMIT_NOTICE_CHANNEL is mailbox. Where notices to people are posted.',
        'READMIT_TOKEN_URL: is missing, but READMIT_NOTICE_CHANNEL is mailbox. Token endpoint for this service’s own client.',
        'READMIT_CLIENT_SECRET_FILE: is missing, but READMIT_NOTICE_CHANNEL is mailbox. File (mode 0600) with the secret of the client readmit-intake.',
      ],
    ],
    [
      'SMTP without its settings',
      () => ({ READMIT_NOTICE_CHANNEL: 'smtp' }),
      [
        'READMIT_SMTP_URL: is missing, but READMIT_NOTICE_CHANNEL is smtp. SMTP server that sends the mail: smtps://host:port, or smtp://host:port with STARTTLS (on this machine without TLS).',
        'READMIT_SMTP_FROM: is missing, but READMIT_NOTICE_CHANNEL is smtp. Mail address that notices come from.',
        'READMIT_DIRECTORY_URL: is missing, but READMIT_NOTICE_CHANNEL is smtp. The signed directory of people and machines (compact JWS), for their mail addresses.',
        'READMIT_DIRECTORY_KEY: is missing, but READMIT_NOTICE_CHANNEL is smtp. Public Ed25519 key that signs the directory: x of its JWK, base64url.',
      ],
    ],
    [
      'SMTP with a setting of the mailbox',
      () => ({ ...smtp(), READMIT_MAILBOX_URL: 'https://mail.example.com/readmit' }),
      ['READMIT_MAILBOX_URL: is for READMIT_NOTICE_CHANNEL=mailbox, but that is smtp. Remove it, or change the channel.'],
    ],
    [
      'the mailbox with a setting of SMTP',
      () => ({ ...mailbox(), READMIT_SMTP_URL: 'smtps://mail.example.com:465' }),
      ['READMIT_SMTP_URL: is for READMIT_NOTICE_CHANNEL=smtp, but that is mailbox. Remove it, or change the channel.'],
    ],
    [
      'a user without a password',
      () => ({ ...smtp(), READMIT_SMTP_USERNAME: 'readmit' }),
      [
        'READMIT_SMTP_PASSWORD_FILE: is missing, but READMIT_SMTP_USERNAME is set. File (mode 0600) with the password of that user; read again for each mail.',
      ],
    ],
    [
      'a password without a user',
      () => ({ ...smtp(), READMIT_SMTP_PASSWORD_FILE: file('secret') }),
      ['READMIT_SMTP_USERNAME: is missing, but READMIT_SMTP_PASSWORD_FILE is set. User name at the SMTP server; absent: no sign-in.'],
    ],
    [
      'an authority where there is no TLS',
      () => ({ ...smtp(), READMIT_SMTP_URL: 'smtp://127.0.0.1:1025', READMIT_SMTP_CA_FILE: file('ca.pem') }),
      ['READMIT_SMTP_CA_FILE: is never used, because smtp:// on this machine has no TLS. Remove it, or use smtps://.'],
    ],
    [
      'a password that others can read',
      () => ({ ...smtp(), READMIT_SMTP_USERNAME: 'readmit', READMIT_SMTP_PASSWORD_FILE: file('open') }),
      [expect.stringContaining('READMIT_SMTP_PASSWORD_FILE: must name a file with mode 0600, this one has 0644 (chmod 600)')] as never,
    ],
    [
      'a URL that is not SMTP',
      () => ({ ...smtp(), READMIT_SMTP_URL: 'https://mail.example.com' }),
      [
        'READMIT_SMTP_URL: must be smtps://host:port, or smtp://host:port for STARTTLS. Set READMIT_SMTP_URL=smtp://mail.example.com:587 or leave it out.',
      ],
    ],
    [
      'a sender with a name and a header',
      () => ({ ...smtp(), READMIT_SMTP_FROM: 'readmit@example.com\r\nBcc: mallory@example.net' }),
      [expect.stringContaining('READMIT_SMTP_FROM: must be a mail address, without a name')] as never,
    ],
  ])('refuses %s', async (_what, env, errors) => {
    expect(await errorsOf(env())).toEqual(errors);
  });

  it('never shows a password that is in the URL, and scrubs that of the file from logs', async () => {
    const [error] = await errorsOf({ ...smtp(), READMIT_SMTP_URL: 'smtps://readmit:correct-horse@mail.example.com:465' });
    expect(error).toMatch(/^READMIT_SMTP_URL: must be a URL without credentials/);
    expect(error).not.toContain('correct-horse');
    const values = readSettings(noticeSettings, {
      ...smtp(),
      READMIT_SMTP_USERNAME: 'readmit',
      READMIT_SMTP_PASSWORD_FILE: file('secret'),
    });
    expect(JSON.stringify(values)).not.toContain('correct-horse');
    expect(values.READMIT_SMTP_PASSWORD_FILE?.texts()).toEqual(['correct-horse-battery']);
    const password = values.READMIT_SMTP_PASSWORD_FILE?.reveal();
    expect(password?.()).toBe('correct-horse-battery');
    writeFileSync(file('secret'), 'another-password\n', { mode: 0o600 });
    expect(password?.()).toBe('another-password');
  });
});
